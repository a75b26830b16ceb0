import { setTimeout as delay } from "node:timers/promises";
import { ExecgateError } from "../../errors.ts";
import { systemClock, within } from "../../exec/clock.ts";
import type { ExecSpec, Exit, OutputSource, Process, Signal, Size, Termination } from "../../exec/runtime.ts";
import type { ExecCgroup } from "../container/cgroup.ts";
import type { ForeignProcess } from "../container/foreign-process.ts";
import { type InsideProcess, killCommand, signalCommand } from "../container/inside.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import type { Connection } from "./connection.ts";
import { Exec } from "./exec.ts";
import type { ConnectionInput } from "./input.ts";
import { ConnectionOutput } from "./output.ts";
import type { Place } from "./start.ts";

/** What a command that runs is made of. */
export interface Parts {
  readonly exec: Exec;
  readonly connection: Connection;
  readonly output: OutputSource;
  readonly input: ConnectionInput;
  /** What its environment has, so that its descendants are known by it. */
  readonly mark: string;
  /** Its pid in the container; undefined when nobody told. */
  readonly pid: number | undefined;
  /** Where the gateway is root on the container's machine: the command seen from there, and its group. */
  readonly foreign: ForeignProcess | undefined;
  readonly group: ExecCgroup | undefined;
  /** Whether it was in its group before it began, so that everything that it brings forth is. */
  readonly isGrouped: boolean;
}

/** How often the daemon is asked whether a command has ended whose streams are held by others, milliseconds. */
const askEveryMs = 250;
/** How long a command of the gateway's own is waited for, milliseconds. */
const askedMsMax = 3500;
/** How long a command may go on whose connection is gone, milliseconds: the daemon may be ending it. */
const strayMsMax = 1500;

/** A command in a container. */
export class DockerProcess implements Process {
  readonly output: OutputSource;
  readonly exit: Promise<Exit>;
  readonly #place: Place;
  readonly #spec: ExecSpec;
  readonly #parts: Parts;
  #isReleased = false;
  #hasExited = false;
  readonly #end = oneAtATime(() => this.#endTree());

  constructor(place: Place, spec: ExecSpec, parts: Parts) {
    this.#place = place;
    this.#spec = spec;
    this.#parts = parts;
    this.output = parts.output;
    this.exit = this.#watch().finally(() => {
      this.#hasExited = true;
    });
    this.exit.catch(() => undefined);
    place.running.add(this);
    if (!spec.stdin) void parts.input.end();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#parts.input.write(bytes);
  }

  async endInput(): Promise<void> {
    await this.#parts.input.end();
  }

  async resize(size: Size): Promise<void> {
    if (this.#spec.tty !== undefined && !this.#hasExited) await this.#parts.exec.resize(size);
  }

  async signal(name: Signal): Promise<void> {
    const { foreign, pid, mark } = this.#parts;
    if (this.#isReleased || this.#hasExited) return;
    const isTerminal = this.#spec.tty !== undefined;
    if (foreign !== undefined) await foreign.signal(name, isTerminal);
    else if (pid !== undefined) await this.#ask(signalCommand(inside(mark, pid), name, isTerminal));
  }

  terminate(): Promise<Termination> {
    return this.#isReleased ? Promise.resolve("bestEffort") : this.#end();
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#parts.connection.destroy();
    this.#parts.foreign?.close();
    void this.#parts.group?.release();
    this.#place.running.delete(this);
  }

  async #endTree(): Promise<Termination> {
    const { group, isGrouped, foreign, pid, mark } = this.#parts;
    const killed = await group?.kill();
    if (isGrouped && killed !== undefined) return this.#place.container.isPrivileged ? "bestEffort" : killed;
    await foreign?.signal("SIGKILL", false);
    if (pid !== undefined && !isGrouped) await this.#ask(killCommand(inside(mark, pid)));
    return "bestEffort";
  }

  /** Runs a command of the gateway's own beside this one, as the same user, and waits for its end. A daemon that hangs is not waited for. */
  async #ask(cmd: readonly string[]): Promise<void> {
    await within(systemClock, askedMsMax, this.#run(cmd));
  }

  async #run(cmd: readonly string[]): Promise<void> {
    const { engine, container, id } = this.#place;
    const place = { container, id };
    try {
      const exec = await Exec.create(engine, place, { env: {}, cwd: undefined, user: this.#spec.user, tty: undefined }, cmd);
      const connection = await exec.start(place, this.#spec.user);
      connection.socket.end();
      const output = new ConnectionOutput(connection, false, () => Promise.resolve(true));
      while ((await output.next()) !== undefined);
      connection.destroy();
    } catch {
      // Where nothing more can be started in the container nothing more can be done.
    }
  }

  /** How it ended: as the kernel tells where it can be asked, else as the daemon does when the streams end, or before. */
  async #watch(): Promise<Exit> {
    const { foreign, exec } = this.#parts;
    const closed = this.#whenClosed();
    if (foreign !== undefined) {
      const isStray = closed.then(() => delay(strayMsMax, "stray" as const, { ref: false }));
      const ended = await Promise.race([foreign.ended, isStray]);
      if (ended === "stray") throw await this.#giveUp();
      return ended ?? (await exec.exit());
    }
    await Promise.race([closed, this.#whenDaemonSaysSo()]);
    return await exec.exit();
  }

  #whenClosed(): Promise<void> {
    const { connection } = this.#parts;
    return new Promise((resolve) => {
      if (connection.isOver) resolve();
      connection.socket.once("end", resolve);
      connection.socket.once("close", resolve);
    });
  }

  /** Somebody else may hold the streams for as long as they like. */
  async #whenDaemonSaysSo(): Promise<void> {
    while (!this.#isReleased && !this.#hasExited) {
      await delay(askEveryMs, undefined, { ref: false });
      const found = await this.#parts.exec.inspect().catch(() => "away" as const);
      if (found !== "away" && found?.isRunning !== true) return;
    }
  }

  /** The connection is gone and the command goes on: nobody reads its output any more. */
  async #giveUp(): Promise<ExecgateError> {
    await this.terminate();
    return new ExecgateError("RUNTIME_UNAVAILABLE", "The connection to the command was lost.");
  }
}

function inside(cookie: string, pid: number): InsideProcess {
  return { cookie, pid, startedTicks: 0, initTicks: 0 };
}
