import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Writable } from "node:stream";

/** How soon a guard that was ended, or could not be started, is followed by another, milliseconds. */
const restartMs = 1000;

type GuardProcess = ChildProcessByStdio<Writable, null, null>;

/** A shell beside the gateway that outlives it: its script reads what it is told, a line each, until the gateway is gone. */
export class Guard {
  readonly #argv: readonly string[];
  readonly #lines: string[] = [];
  #isStarted = false;
  /** Undefined while there is no guard. */
  #input: Writable | undefined;
  #isClosed = false;

  /** @param args `$0` and what follows it. The guard is started when it is first told something. */
  constructor(script: string, ...args: readonly string[]) {
    this.#argv = ["-c", script, ...args];
  }

  tell(line: string): void {
    this.#lines.push(line);
    if (this.#isStarted) this.#input?.write(`${line}\n`);
    else this.#start();
  }

  /** Lets the guard do its work now. */
  close(): void {
    this.#isClosed = true;
    this.#input?.end();
  }

  #start(): void {
    this.#isStarted = true;
    const guard = this.#spawn();
    if (guard === undefined) {
      this.#startAgain();
      return;
    }
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
    guard.stdin.on("error", () => undefined);
    guard.stdin.write(this.#lines.map((line) => `${line}\n`).join(""));
    this.#input = guard.stdin;
    guard.on("close", () => this.#startAgain());
  }

  /** In a session of its own, so that a ^C meant for the gateway leaves it be. Undefined while there is no process or descriptor for it. */
  #spawn(): GuardProcess | undefined {
    try {
      const guard = spawn("/bin/sh", this.#argv, { detached: true, stdio: ["pipe", "ignore", "ignore"], env: {}, cwd: "/" });
      guard.on("error", () => undefined);
      return guard.pid === undefined ? undefined : guard;
    } catch {
      return undefined;
    }
  }

  #startAgain(): void {
    this.#input = undefined;
    const start = (): void => {
      if (!this.#isClosed) this.#start();
    };
    setTimeout(start, restartMs).unref();
  }
}
