/** Run under a low limit: has a guard ended while no descriptor is left, and prints what the next one reads when there are some again. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Guard } from "../../../src/runtimes/container/guard.ts";

const [output = ""] = process.argv.slice(2);
const guard = new Guard('echo $$ >>"$0"; while read -r line; do echo "$line" >>"$0"; done', output);
const read = (): string[] => readFileSync(output, { encoding: "utf8", flag: "a+" }).split("\n");

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await delay(10);
}

guard.tell("first");
await until(() => read().includes("first"));
process.kill(Number(read()[0]), "SIGKILL");
const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  // There is none left.
}
// Longer than it takes until another guard is tried.
await delay(1500);
guard.tell("second");
for (const fd of taken) closeSync(fd);
await until(() => read().includes("second"));
guard.close();
process.stdout.write(execFileSync("grep", ["-v", "[0-9]", output]));
