/** Run under a low limit: starts a command with 0, 1, 2 … descriptors left, and prints what became of each start. */
import { closeSync, openSync } from "node:fs";
import { toExecgateError } from "../../../src/errors.ts";
import { drain, size, until } from "../../conformance/process.ts";
import { descriptors } from "../../conformance/runtime-start.ts";
import { createHost } from "./running.ts";

const host = createHost();

async function attempt(tty: typeof size | undefined): Promise<string> {
  try {
    const running = await host.start({ command: ["true"], tty, stdin: true });
    await drain(running.output);
    await running.exit;
    running.release();
    return "started";
  } catch (error) {
    return toExecgateError(error).code;
  }
}

function exhaust(): number[] {
  const taken: number[] = [];
  for (;;) {
    try {
      taken.push(openSync("/dev/null", "r"));
    } catch {
      return taken;
    }
  }
}

async function attempts(tty: typeof size | undefined): Promise<string[]> {
  const outcomes: string[] = [];
  for (let free = 0; free < 12; free++) {
    const taken = exhaust();
    for (const fd of taken.splice(0, free)) closeSync(fd);
    outcomes.push(await attempt(tty));
    for (const fd of taken) closeSync(fd);
  }
  return outcomes;
}

await attempt(undefined);
await attempt(size);
const before = descriptors();
const result = { pipes: await attempts(undefined), tty: await attempts(size), leaked: 0 };
// Group files are written beside the loop, and may be open for a moment more.
await until(() => descriptors() <= before).catch(() => undefined);
result.leaked = descriptors() - before;
process.stdout.write(JSON.stringify(result));
