import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { inParallel } from "../fixtures/in-parallel.ts";
import { drain, marker, run, size, start } from "./process.ts";
import type { Case, RuntimeSubject } from "./runtime.ts";

const mebibyte = 1024 * 1024;

/** What a command writes arrives, all of it and nothing else. */
export function outputCases(bursts: number): readonly Case[] {
  return [
    ["stdout and stderr are told apart", streamsAreApart],
    ["64 MiB of output under a stalled reader stay in the kernel", stalledReader],
    ["nothing is lost at the end of a short burst on pipes", (subject) => burst(subject, bursts, false)],
    ["nothing is lost at the end of a short burst on a tty", (subject) => burst(subject, bursts, true)],
  ];
}

async function streamsAreApart({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const ran = await run(runtime, targetId, { command: [...shell, "echo out; echo err >&2"] });
  assert.equal(ran.stdout.toString(), "out\n");
  assert.equal(ran.stderr.toString(), "err\n");
  assert.equal(ran.complete, true);
}

async function stalledReader({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const running = await start(runtime, targetId, { command: ["head", "-c", String(64 * mebibyte), "/dev/zero"] });
  const first = await running.output.next();
  const before = process.memoryUsage().rss;
  await delay(300);
  assert.ok(process.memoryUsage().rss - before < 16 * mebibyte, "a stalled reader must not fill the gateway's memory");
  let bytes = first?.bytes.length ?? 0;
  for (let chunk = await running.output.next(); chunk; chunk = await running.output.next()) bytes += chunk.bytes.length;
  assert.equal(bytes, 64 * mebibyte);
  assert.equal((await running.exit).code, 0);
  running.release();
}

/** What stands in a file beforehand comes at once: a shell's own `seq` may write a line at a time, which takes a terminal 60 000 turns. */
async function burst({ runtime, targetId, shell }: RuntimeSubject, runs: number, isTty: boolean): Promise<void> {
  const newline = isTty ? "\r\n" : "\n";
  const lines = Array.from({ length: 60_000 }, (_, index) => `${index + 1}`);
  const expected = Buffer.from([...lines, "END", ""].join(newline));
  const file = `/tmp/execgate-burst-${marker()}`;
  await run(runtime, targetId, { command: [...shell, `{ seq 1 60000; echo END; } >${file}`] });
  await inParallel(4, runs, async () => {
    const running = await start(runtime, targetId, { command: ["cat", file], tty: isTty ? size : undefined });
    const { stdout } = await drain(running.output);
    await running.exit;
    running.release();
    assert.ok(stdout.equals(expected), `${stdout.length} of ${expected.length} bytes arrived`);
  });
  await run(runtime, targetId, { command: ["rm", file] });
}
