import { spawn } from "node:child_process";

/** What a gateway is measured against: Node's own way to run `/bin/true` with pipes, until both have ended and it has exited. */
export function bareSpawn(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/true", [], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.resume();
    child.stderr.resume();
    child.once("error", reject);
    child.once("close", () => resolve());
  });
}
