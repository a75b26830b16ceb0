import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type ErrorCode, ExecgateError } from "../../src/errors.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { marker, processesWith, run, start, until } from "./process.ts";
import type { Case, RuntimeSubject } from "./runtime.ts";

/** Starts that are aborted at one moment after the other. */
const abortedStarts = 16;

/** Starts that fail at a time. */
const width = 4;

/** How a command comes to run, or does not. */
export function startCases(failedStarts: number): readonly Case[] {
  return [
    ["the target is listed and resolves to itself", targetIsListed],
    ["argv is never given to a shell", argvIsLiteral],
    ["env is added to the target's own", envIsAdded],
    ["cwd is where the command starts", cwdIsEntered],
    ["missing target, stopped target and missing command are different errors", errorsDiffer],
    ["an aborted start leaves nothing behind", abortLeavesNothing],
    ["a start that is aborted at any moment rejects only when nothing has run", abortTellsWhatRan],
    [
      "failed starts leak no descriptor",
      async ({ runtime, targetId }) => {
        const fail = () => assert.rejects(start(runtime, targetId, { command: ["/nowhere/to/be/found"] }), code("COMMAND_NOT_FOUND"));
        await inParallel(width, width, fail);
        const before = descriptors();
        await inParallel(width, failedStarts, fail);
        // A connection that is kept may have been shared before, and not be now.
        await until(() => descriptors() < before + width);
      },
    ],
  ];
}

/** A check of a rejection by its code. */
export function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ExecgateError, String(error));
    assert.equal(error.code, expected, error.message);
    return true;
  };
}

/** How many descriptors this process has open. */
export function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

async function targetIsListed({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const target = await runtime.resolve(targetId);
  const listed = (await runtime.targets()).find(({ id }) => id === target.id);
  assert.equal(listed?.immutableId, target.immutableId);
  assert.equal(target.runtime, runtime.name);
  assert.equal((await runtime.resolve(target.id)).immutableId, target.immutableId);
}

async function argvIsLiteral({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const { stdout } = await run(runtime, targetId, { command: ["echo", "$HOME; *", "a  b", "é"] });
  assert.equal(stdout.toString(), "$HOME; * a  b é\n");
}

async function envIsAdded({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const command = [...shell, 'echo "$MARK"; test -n "$PATH" && echo path'];
  const { stdout } = await run(runtime, targetId, { command, env: { MARK: "a=b c" } });
  assert.equal(stdout.toString(), "a=b c\npath\n");
}

async function cwdIsEntered({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  assert.equal((await run(runtime, targetId, { command: [...shell, "pwd"], cwd: "/tmp" })).stdout.toString(), "/tmp\n");
}

async function errorsDiffer({ runtime, targetId, missingTargetId, stoppedTargetId }: RuntimeSubject): Promise<void> {
  await assert.rejects(runtime.resolve(missingTargetId), code("TARGET_NOT_FOUND"));
  await assert.rejects(start(runtime, targetId, { command: ["no-such-command"] }), code("COMMAND_NOT_FOUND"));
  if (stoppedTargetId !== undefined) {
    await assert.rejects(start(runtime, stoppedTargetId, { command: ["true"] }), code("TARGET_NOT_RUNNING"));
  }
}

async function abortLeavesNothing({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const reason = new Error("the client has left");
  const aborted = AbortSignal.abort(reason);
  const target = await runtime.resolve(targetId);
  const mark = marker();
  const spec = { command: ["sleep", mark], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };
  await assert.rejects(runtime.start(target, spec, aborted), reason);
  const before = descriptors();
  const controller = new AbortController();
  const starting = runtime.start(target, spec, controller.signal);
  controller.abort(reason);
  await assert.rejects(starting, reason);
  await until(async () => (await processesWith(mark)).length === 0 && descriptors() <= before);
}

/** Each start makes a file of its own, and is aborted a little later than the one before it. */
async function abortTellsWhatRan({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const reason = new Error("the client has left");
  const mark = marker();
  const given = new Set<string>();
  const began = performance.now();
  await run(runtime, targetId, { command: ["true"] });
  const wholeMs = performance.now() - began;
  for (let moment = 0; moment < abortedStarts; moment++) {
    const file = `${mark}-${moment}`;
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(reason), (wholeMs * moment) / abortedStarts);
    const command = [...shell, `: >/tmp/${file}; exec sleep 600`];
    const running = await start(runtime, targetId, { command }, leaving.signal).catch((error: unknown) => assert.equal(error, reason));
    clearTimeout(timer);
    if (running === undefined) continue;
    given.add(file);
    await running.terminate();
    await running.exit;
    running.release();
  }
  const list = `cd /tmp; for file in ${mark}-*; do test ! -e "$file" || echo "$file"; rm -f "$file"; done`;
  const { stdout } = await run(runtime, targetId, { command: [...shell, list] });
  const made = stdout.toString().split("\n").slice(0, -1);
  assert.deepEqual(
    made.filter((file) => !given.has(file)),
    [],
  );
}
