import { EventEmitter } from "node:events";
import { runOperator } from "../../src/operator/index.ts";

/** Runs one operator's command to its end. */
export async function run(name: string, ...args: string[]) {
  const written = { stdout: [] as string[], stderr: [] as string[] };
  const sink = (texts: string[]) => Object.assign(new EventEmitter(), { write: (text: string) => texts.push(text) > 0 });
  const status = await runOperator(name, args, { env: {}, stdout: sink(written.stdout), stderr: sink(written.stderr) });
  return { status, stdout: written.stdout.join(""), stderr: written.stderr.join("") };
}
