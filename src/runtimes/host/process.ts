import { setTimeout as delay } from "node:timers/promises";
import { ExecgateError } from "../../errors.ts";
import type { Exit, OutputSource, Process, Signal, Size, Termination } from "../../exec/runtime.ts";
import { Descriptor } from "./descriptor.ts";
import { native, type Spawned } from "./native.ts";
import { Reader } from "./reader.ts";
import { foregroundGroup, sendSignal, signalName } from "./signals.ts";
import { resizeTerminal, type Terminal } from "./tty.ts";
import { Writer } from "./writer.ts";

/** Killed processes take a moment to go. What cannot even be killed, in a wait for a disk, is not waited for longer than this. */
const killRounds = 20;
const killRoundMs = 5;

/** In so short a time no machine gives out all its pids, 32768 or more, and begins again. */
const youngMs = 50;

/** A command on the host: the leader of its own session, with pipes or a terminal. */
export class HostProcess implements Process {
  readonly output: OutputSource;
  readonly exit: Promise<Exit>;
  readonly #spawned: Spawned;
  readonly #pidfd: Descriptor;
  readonly #reader: Reader;
  readonly #writer: Writer | undefined;
  readonly #master: Descriptor | undefined;
  readonly #onRelease: () => void;
  readonly #startedMs: number;
  #slave: number | undefined;
  #released = false;
  #terminating: Promise<Termination> | undefined;

  constructor(spawned: Spawned, terminal: Terminal | undefined, stdin: boolean, onRelease: () => void) {
    this.#spawned = spawned;
    this.#startedMs = performance.now();
    this.#onRelease = onRelease;
    this.#slave = terminal?.slave;
    this.#master = terminal && new Descriptor(terminal.master);
    this.#pidfd = new Descriptor(spawned.pidfd);
    if (this.#master) {
      this.#reader = new Reader([{ name: "stdout", descriptor: this.#master, isTerminal: true }]);
      this.#writer = new Writer(this.#master, true);
      if (!stdin) void this.#writer.end();
    } else {
      this.#reader = new Reader([
        { name: "stdout", descriptor: new Descriptor(spawned.stdout), isTerminal: false },
        { name: "stderr", descriptor: new Descriptor(spawned.stderr), isTerminal: false },
      ]);
      this.#writer = stdin ? new Writer(new Descriptor(spawned.stdin), false) : undefined;
    }
    this.output = this.#reader;
    this.exit = new Promise((resolve, reject) => this.#watch(resolve, reject));
    // Who does not ask for the exit is not to be ended by a rejection that nobody handles.
    this.exit.catch(() => {});
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer?.write(bytes);
  }

  async endInput(): Promise<void> {
    await this.#writer?.end();
  }

  async resize(size: Size): Promise<void> {
    const master = this.#master?.fd;
    if (master !== undefined) resizeTerminal(master, size);
  }

  async signal(name: Signal): Promise<void> {
    if (this.#released) return;
    const foreground = this.#master && foregroundGroup(this.#spawned.pid);
    sendSignal(-(foreground ?? this.#spawned.pid), name);
  }

  terminate(): Promise<Termination> {
    this.#terminating ??= this.#killAll().finally(() => {
      this.#terminating = undefined;
    });
    return this.#terminating;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#reader.close();
    this.#writer?.close();
    this.#closeSlave();
    native.reap(this.#spawned.pidfd);
    this.#pidfd.close();
    this.#onRelease();
  }

  #watch(resolve: (exit: Exit) => void, reject: (error: Error) => void): void {
    this.#pidfd.whenReadable(() => {
      const status = native.exitOf(this.#spawned.pidfd);
      if (status === undefined) return this.#watch(resolve, reject);
      if (typeof status === "number") reject(new ExecgateError("INTERNAL", "The exit of the command was taken by somebody else."));
      else if (status.signal === null) resolve({ code: status.code ?? 0, signal: null });
      else resolve({ code: 128 + status.signal, signal: signalName(status.signal) });
      this.#reader.exited(() => this.#closeSlave());
    });
  }

  /** While the gateway holds a slave, the end of a terminal is never seen before the last byte. After the exit it is let go of. */
  #closeSlave(): boolean {
    if (this.#slave === undefined) return false;
    native.close(this.#slave);
    this.#slave = undefined;
    return true;
  }

  /** Until the release the leader is at least a zombie, so that its pid, group and session are nobody else's. */
  async #killAll(): Promise<Termination> {
    for (let round = 0; round < killRounds && !this.#released; round++) {
      const foreground = this.#master && foregroundGroup(this.#spawned.pid);
      if (foreground !== undefined) sendSignal(-foreground, "SIGKILL");
      sendSignal(-this.#spawned.pid, "SIGKILL");
      const members = native.membersOf(this.#spawned.pid, performance.now() - this.#startedMs < youngMs);
      if (typeof members === "number" || members.length === 0) break;
      for (const pid of members) sendSignal(pid, "SIGKILL");
      await delay(round === 0 ? 1 : killRoundMs);
    }
    return "bestEffort";
  }
}
