import assert from "node:assert/strict";
import { drain, readUntil, run, size, start } from "./process.ts";
import type { Case, RuntimeSubject } from "./runtime.ts";

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** What a client sends reaches the command. */
export const inputCases: readonly Case[] = [
  ["every byte from 0x00 to 0xFF passes both ways on pipes", everyByteOnPipes],
  ["every byte from 0x00 to 0xFF passes both ways on a tty in raw mode", everyByteOnTty],
  ["1 MiB passes both ways in order", muchInput],
  ["stdin is half-closed while output goes on", halfClose],
  ["stdin ends on a tty, behind a whole and behind an unfinished line", endOnTty],
  ["stdin that is not wanted is at its end from the start", noInput],
  ["a write to a command that has ended is accepted to no effect", lateWrite],
  ["what a command has not read when it is let go of is accepted to no effect", unreadWrite],
  ["resize is what stty size sees", resize],
];

async function everyByteOnPipes({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const ran = await run(runtime, targetId, { command: ["cat"] }, everyByte);
  assert.deepEqual(ran.stdout, everyByte);
}

async function everyByteOnTty({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const script = "stty raw -echo; echo ready; head -c 256";
  const running = await start(runtime, targetId, { command: [...shell, script], tty: size, stdin: true });
  await readUntil(running.output, "ready\n");
  await running.write(everyByte);
  const { stdout } = await drain(running.output);
  assert.deepEqual(stdout, everyByte);
  await running.exit;
  running.release();
}

async function muchInput({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const input = Buffer.alloc(1024 * 1024, everyByte);
  const { stdout } = await run(runtime, targetId, { command: ["cat"] }, input);
  assert.ok(stdout.equals(input));
}

async function halfClose({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const { stdout, exit } = await run(runtime, targetId, { command: [...shell, "cat; echo end; exit 3"] }, Buffer.from("abc"));
  assert.equal(stdout.toString(), "abcend\n");
  assert.equal(exit.code, 3);
}

async function endOnTty({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  for (const input of ["abc", "abc\n", ""]) {
    const { stdout } = await run(runtime, targetId, { command: [...shell, "cat; echo end"], tty: size }, Buffer.from(input));
    assert.match(stdout.toString(), /end\r\n$/);
  }
}

async function noInput({ runtime, targetId }: RuntimeSubject): Promise<void> {
  assert.equal((await run(runtime, targetId, { command: ["cat"] })).exit.code, 0);
  assert.equal((await run(runtime, targetId, { command: ["cat"], tty: size })).exit.code, 0);
}

async function lateWrite({ runtime, targetId }: RuntimeSubject): Promise<void> {
  for (const tty of [undefined, size]) {
    const running = await start(runtime, targetId, { command: ["true"], tty, stdin: true });
    await drain(running.output);
    await running.exit;
    await running.write(Buffer.alloc(256 * 1024));
    await running.endInput();
    running.release();
  }
}

/** Whoever waits for it waits for nothing else, not for the end of the session either. */
async function unreadWrite({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const running = await start(runtime, targetId, { command: ["sleep", "60"], stdin: true });
  const told = Promise.all([running.write(Buffer.alloc(4 * 1024 * 1024)), running.endInput()]);
  await running.terminate();
  await running.exit;
  running.release();
  await told;
}

async function resize({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const command = [...shell, "stty -echo; stty size; read x; stty size"];
  const running = await start(runtime, targetId, { command, tty: { cols: 81, rows: 25 }, stdin: true });
  await readUntil(running.output, "25 81\r\n");
  await running.resize({ cols: 132, rows: 50 });
  await running.write(Buffer.from("\n"));
  await readUntil(running.output, "50 132\r\n");
  await running.exit;
  await running.resize({ cols: 1, rows: 1 });
  running.release();
}
