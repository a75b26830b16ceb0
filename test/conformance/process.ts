import { readdir, readFile } from "node:fs/promises";
import type { ExecSpec, Exit, OutputSource, Process, Runtime } from "../../src/exec/runtime.ts";

/** What a command said and how it ended. */
export interface Ran {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exit: Exit;
  readonly complete: boolean;
}

export const size = { cols: 80, rows: 24 };

const plain: ExecSpec = { command: [], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };

/** Starts `spec`, whose missing fields are those of the plainest command. */
export async function start(
  runtime: Runtime,
  targetId: string,
  spec: Partial<ExecSpec>,
  signal = new AbortController().signal,
): Promise<Process> {
  return runtime.start(await runtime.resolve(targetId), { ...plain, ...spec }, signal);
}

/** Reads to the end of the output. */
export async function drain(output: OutputSource): Promise<{ stdout: Buffer; stderr: Buffer }> {
  const parts: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  for (let chunk = await output.next(); chunk; chunk = await output.next()) parts[chunk.stream].push(chunk.bytes);
  return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr) };
}

/** Runs a command to its end, with `input` on its stdin, and lets go of it. */
export async function run(runtime: Runtime, targetId: string, spec: Partial<ExecSpec>, input?: Uint8Array): Promise<Ran> {
  const running = await start(runtime, targetId, { stdin: input !== undefined, ...spec });
  try {
    const writing = input === undefined ? undefined : running.write(input).then(() => running.endInput());
    const { stdout, stderr } = await drain(running.output);
    await writing;
    return { stdout, stderr, exit: await running.exit, complete: running.output.complete };
  } finally {
    await running.terminate();
    await running.exit;
    running.release();
  }
}

/** Reads until the output holds `text`; all that was read is given back. */
export async function readUntil(output: OutputSource, text: string): Promise<string> {
  let seen = "";
  while (!seen.includes(text)) {
    const chunk = await output.next();
    if (!chunk) throw new Error(`the output ended before ${JSON.stringify(text)}: ${JSON.stringify(seen)}`);
    seen += chunk.bytes.toString("latin1");
  }
  return seen;
}

let markers = 0;

/** A number of seconds that no other sleep on this machine has: it marks processes that must be gone. */
export function marker(): string {
  return `${9000 + (process.pid % 900)}.${++markers}${process.hrtime.bigint() % 100000n}`;
}

/** The pids on this machine that have `text` as an argument. */
export async function processesWith(text: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")));
  return pids.filter((_, index) => lines[index]?.split("\0").includes(text));
}

/** Waits until `holds`. @throws Error after ten seconds, so that a failed test does not go on in the background */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it did not come true: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
