import { type ChildProcess, spawn } from "node:child_process";

/** How soon a guard that was ended is followed by another, milliseconds. */
const restartMs = 1000;

/** A shell beside the gateway that outlives it: its script reads what it is told, a line each, until the gateway is gone. */
export class Guard {
  readonly #argv: readonly string[];
  readonly #lines: string[] = [];
  #guard: ChildProcess | undefined;
  #isClosed = false;

  /** @param args `$0` and what follows it. The guard is started when it is first told something. */
  constructor(script: string, ...args: readonly string[]) {
    this.#argv = ["-c", script, ...args];
  }

  tell(line: string): void {
    this.#lines.push(line);
    if (this.#guard === undefined) this.#start();
    else this.#guard.stdin?.write(`${line}\n`);
  }

  /** Lets the guard do its work now. */
  close(): void {
    this.#isClosed = true;
    this.#guard?.stdin?.end();
  }

  /** In a session of its own, so that a ^C meant for the gateway leaves it be. */
  #start(): void {
    const guard = spawn("/bin/sh", this.#argv, { detached: true, stdio: ["pipe", "ignore", "ignore"], env: {}, cwd: "/" });
    this.#guard = guard;
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
    guard.stdin.on("error", () => undefined);
    guard.stdin.write(this.#lines.map((line) => `${line}\n`).join(""));
    guard.on("error", () => undefined);
    guard.on("close", () => {
      if (!this.#isClosed) setTimeout(() => this.#start(), restartMs).unref();
    });
  }
}
