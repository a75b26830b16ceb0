import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ExecgateError } from "../../errors.ts";
import type { ExecSpec, Exit, Size } from "../../exec/runtime.ts";
import type { Connection } from "./connection.ts";
import { type Container, messageOf, notRunning, toTargetError } from "./containers.ts";
import type { Answer, Engine } from "./engine.ts";

/** How long the daemon is asked how an exec ended, milliseconds: it may be about to start again. */
const askMsMax = 4000;
/** From here on the size of a terminal can be said when an exec is made. */
const versionWithSize = 42;

/** What the daemon knows of an exec. */
export interface Inspected {
  readonly isRunning: boolean;
  /** As the daemon's machine numbers it; 0 when it was never started. */
  readonly pid: number;
  readonly exitCode: number | null;
}

/** An exec of the daemon's: one command in a container, which is started once. */
export class Exec {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #isTerminal: boolean;

  private constructor(engine: Engine, id: string, isTerminal: boolean) {
    this.#engine = engine;
    this.#id = id;
    this.#isTerminal = isTerminal;
  }

  /**
   * Makes it; nothing runs yet.
   * @param cmd what is executed in the place of the command of `spec`
   * @throws TARGET_NOT_FOUND, TARGET_NOT_RUNNING, USER_NOT_FOUND, RUNTIME_UNAVAILABLE
   */
  static async create(
    engine: Engine,
    target: { readonly container: Container; readonly id: string },
    spec: Pick<ExecSpec, "env" | "cwd" | "user" | "tty">,
    cmd: readonly string[],
  ): Promise<Exec> {
    const { tty } = spec;
    const takesSize = tty !== undefined && (await engine.version()) >= versionWithSize;
    const body = {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty !== undefined,
      Cmd: cmd,
      Env: environment(spec),
      ...(spec.cwd !== undefined && { WorkingDir: spec.cwd }),
      ...(spec.user !== undefined && { User: spec.user }),
      ...(tty !== undefined && { DetachKeys: detachKeys() }),
      ...(takesSize && { ConsoleSize: [tty.rows, tty.cols] }),
    };
    const answer = await engine.call("POST", `/containers/${target.container.id}/exec`, { body });
    if (answer.status === 201) return new Exec(engine, (answer.body as { Id: string }).Id, tty !== undefined);
    throw isUserError(messageOf(answer)) ? userNotFound(spec.user) : await whyNot(engine, answer, target);
  }

  /**
   * Starts it, and gives the connection of its streams, however long that takes the daemon; one that is over leaves open whether it runs.
   * @throws as `create` does, when nothing runs
   */
  async start(target: { readonly container: Container; readonly id: string }, user: string | undefined): Promise<Connection> {
    const answer = await this.#engine.upgrade(`/exec/${this.#id}/start`, { Detach: false, Tty: this.#isTerminal });
    if (!("status" in answer)) return answer;
    throw isUserError(messageOf(answer)) ? userNotFound(user) : await whyNot(this.#engine, answer, target);
  }

  /** Sets the terminal's size; one that is gone has none. */
  async resize({ cols, rows }: Size): Promise<void> {
    await this.#engine.call("POST", `/exec/${this.#id}/resize?h=${rows}&w=${cols}`).catch(() => undefined);
  }

  /** Undefined when the daemon does not know it any more. @throws RUNTIME_UNAVAILABLE */
  async inspect(): Promise<Inspected | undefined> {
    const { status, body } = await this.#engine.call("GET", `/exec/${this.#id}/json`);
    if (status === 404) return undefined;
    if (status !== 200) throw new ExecgateError("RUNTIME_UNAVAILABLE", `The daemon does not say what became of the command (${status}).`);
    const { Running, Pid, ExitCode } = body as { Running: boolean; Pid?: number; ExitCode: number | null };
    return { isRunning: Running, pid: Pid ?? 0, exitCode: ExitCode };
  }

  /**
   * What the daemon knows of it since it was started, which is written down a moment later: without a pid it never ran. Undefined when
   * the daemon does not say; one that is away is asked again for as long as there is the connection.
   */
  async begun(connection: Connection): Promise<Inspected | undefined> {
    let deadline = Number.POSITIVE_INFINITY;
    for (let pauseMs = 1; performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 100)) {
      const { isOver } = connection;
      const found = await this.inspect().catch(() => "away" as const);
      if (found === undefined) return undefined;
      if (found !== "away" && (found.pid > 0 || (isOver && !found.isRunning && found.exitCode !== null))) return found;
      if (isOver) deadline = Math.min(deadline, performance.now() + askMsMax);
      await delay(pauseMs);
    }
    return undefined;
  }

  /**
   * How it ended, when it must have ended by now. The interface has a number alone, in which an exit code and a signal look the same.
   * @throws RUNTIME_UNAVAILABLE when that will never be known
   */
  async exit(): Promise<Exit> {
    const deadline = performance.now() + askMsMax;
    for (let pauseMs = 2; performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 100)) {
      const found = await this.inspect().catch(() => "away" as const);
      if (found === undefined) break;
      if (found !== "away" && !found.isRunning && found.exitCode !== null) return { code: found.exitCode, signal: null };
      await delay(pauseMs);
    }
    throw new ExecgateError("RUNTIME_UNAVAILABLE", "The daemon does not say any more how the command ended.");
  }
}

/**
 * The daemon looks for keys by which a terminal is left, ^P ^Q unless told otherwise, and swallows them. There is no way to have none,
 * but nobody types these; of what begins like them, a NUL byte, it waits for the next byte before it passes it on.
 */
function detachKeys(): string {
  return ["ctrl-@", ...randomBytes(16).toString("hex")].join();
}

/** The daemon gives a command on a terminal TERM=xterm, and the environment of the container to all. */
function environment({ env, tty }: Pick<ExecSpec, "env" | "tty">): string[] {
  const all = { ...(tty !== undefined && { TERM: "xterm-256color" }), ...env };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

/** The refusal that an answer stands for, with the state of the container as it is now. */
async function whyNot(
  engine: Engine,
  answer: Answer,
  { container, id }: { readonly container: Container; readonly id: string },
): Promise<ExecgateError> {
  const error = toTargetError(answer, id);
  if (error.code !== "TARGET_NOT_RUNNING") return error;
  const now = await engine.call("GET", `/containers/${container.id}/json`).catch(() => undefined);
  const state = (now?.body as { State?: { Status?: string } } | undefined)?.State?.Status;
  return state === undefined || state === "running" ? error : notRunning(id, state);
}

export function isUserError(text: string): boolean {
  return /unable to find (user|group)|no matching entries in (passwd|group)|no such user|user .* not found/i.test(text);
}

export function userNotFound(user: string | undefined): ExecgateError {
  return new ExecgateError("USER_NOT_FOUND", `There is no user ${JSON.stringify(user ?? "")} in the container.`, { field: "user" });
}
