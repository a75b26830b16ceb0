import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";

/** How soon a guard that was ended is followed by another, milliseconds. */
const restartMs = 1000;

/** Reads directories, one a line, until the gateway is gone; then it ends and removes the gateway's groups in all of them. */
const script = `
while read -r directory; do set -- "$@" "$directory"; done
for directory; do
  for group in "$directory/$0"-*; do [ ! -e "$group" ] || echo 1 >"$group/cgroup.kill"; done
done
sleep 0.2
for directory; do
  for group in "$directory/$0"-*; do [ ! -e "$group" ] || rmdir "$group"; done
done
`;

/** A process beside the gateway that outlives it: when the gateway is gone, in whichever way, its groups in containers are ended. */
export class Lifeline {
  readonly #prefix = `execgate-${randomBytes(6).toString("hex")}`;
  readonly #directories = new Set<string>();
  #guard: ChildProcess | undefined;
  #isClosed = false;

  /** What a group is to be called so that it is the gateway's. */
  groupName(mark: string): string {
    return `${this.#prefix}-${mark}`;
  }

  /** Watches over the gateway's groups in `directory` from here on. */
  guard(directory: string): void {
    if (this.#directories.has(directory)) return;
    this.#directories.add(directory);
    if (this.#guard === undefined) this.#start();
    else this.#guard.stdin?.write(`${directory}\n`);
  }

  /** Lets the guard do its work now. */
  close(): void {
    this.#isClosed = true;
    this.#guard?.stdin?.end();
  }

  /** In a session of its own, so that a ^C meant for the gateway leaves it be. */
  #start(): void {
    const guard = spawn("/bin/sh", ["-c", script, this.#prefix], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: {},
      cwd: "/",
    });
    this.#guard = guard;
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
    guard.stdin.on("error", () => undefined);
    guard.stdin.write([...this.#directories].map((directory) => `${directory}\n`).join(""));
    guard.on("error", () => undefined);
    guard.on("close", () => {
      if (!this.#isClosed) setTimeout(() => this.#start(), restartMs).unref();
    });
  }
}
