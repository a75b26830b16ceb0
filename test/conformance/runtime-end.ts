import assert from "node:assert/strict";
import { drain, marker, processesWith, readUntil, run, size, start, until } from "./process.ts";
import type { Case, RuntimeSubject } from "./runtime.ts";

/** How a command ends, by itself or not, and what is left of it. */
export const endCases: readonly Case[] = [
  ["the exit code is the command's own", exitCode],
  ["a signal that ended the command is named", exitSignal],
  ["signal reaches the command", signalReaches],
  ["^C on a tty reaches the foreground group", interruptOnTty],
  ["signal on a tty reaches the foreground group", signalOnTty],
  ["terminate after the exit is harmless", lateTerminate],
  ["terminate takes background descendants", terminateTakes("sleep MARK & sleep MARK & sleep MARK")],
  [
    "terminate takes setsid and double-forked descendants",
    terminateTakes("setsid sleep MARK & (setsid sleep MARK &) ; (sleep MARK &); sleep MARK"),
  ],
  ["terminate takes what the command left behind when it exited", terminateTakesLeftBehind],
  ["a background child that holds stdout does not hold the answer", backgroundHoldsStdout],
  ["output to which a background child may add is not said to be all", backgroundMayAdd],
];

async function exitCode({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  for (const code of [0, 7, 255]) {
    const { exit } = await run(runtime, targetId, { command: [...shell, `exit ${code}`] });
    assert.deepEqual(exit, { code, signal: null });
  }
}

async function exitSignal({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const { exit } = await run(runtime, targetId, { command: [...shell, "kill -TERM $$; sleep 60"] });
  assert.deepEqual(exit, { code: 143, signal: "SIGTERM" });
}

async function signalReaches({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const running = await start(runtime, targetId, { command: [...shell, "trap 'exit 5' HUP; echo ready; while :; do sleep 0.02; done"] });
  await readUntil(running.output, "ready\n");
  await running.signal("SIGHUP");
  assert.equal((await running.exit).code, 5);
  await running.signal("SIGHUP");
  running.release();
}

async function interruptOnTty({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const command = [...shell, "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.02; done"];
  const running = await start(runtime, targetId, { command, tty: size, stdin: true });
  await readUntil(running.output, "ready\r\n");
  await running.write(Buffer.from("\x03"));
  await readUntil(running.output, "caught\r\n");
  assert.equal((await running.exit).code, 5);
  running.release();
}

/** With job control the shell puts a command into a group of its own, which has the terminal. */
async function signalOnTty({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const command = [...shell, `set -m; ${shell.join(" ")} 'echo ready; sleep 60; :'; echo "after $?"`];
  const running = await start(runtime, targetId, { command, tty: size, stdin: true });
  await readUntil(running.output, "ready\r\n");
  await running.signal("SIGKILL");
  await readUntil(running.output, "after 137\r\n");
  assert.equal((await running.exit).code, 0);
  running.release();
}

async function lateTerminate({ runtime, targetId }: RuntimeSubject): Promise<void> {
  const running = await start(runtime, targetId, { command: ["true"] });
  await running.exit;
  assert.match(await running.terminate(), /^(verified|bestEffort)$/);
  await running.terminate();
  await drain(running.output);
  running.release();
  await running.terminate();
}

function terminateTakes(script: string): (subject: RuntimeSubject) => Promise<void> {
  return async ({ runtime, targetId, shell }) => {
    const mark = marker();
    const wanted = script.split("MARK").length - 1;
    const running = await start(runtime, targetId, { command: [...shell, script.replaceAll("MARK", mark)] });
    await until(async () => (await processesWith(mark)).length === wanted);
    await Promise.all([running.terminate(), running.terminate()]);
    assert.deepEqual(await processesWith(mark), []);
    await running.exit;
    await drain(running.output);
    running.release();
  };
}

async function terminateTakesLeftBehind({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const mark = marker();
  const running = await start(runtime, targetId, { command: [...shell, `sleep ${mark} >/dev/null 2>&1 &`] });
  await drain(running.output);
  await running.exit;
  // The shell exits as soon as it has forked: what it left becomes `sleep` in its own time.
  await until(async () => (await processesWith(mark)).length === 1);
  await running.terminate();
  assert.deepEqual(await processesWith(mark), []);
  running.release();
}

async function backgroundHoldsStdout({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const running = await start(runtime, targetId, { command: [...shell, "sleep 60 & echo hi"] });
  const draining = drain(running.output);
  assert.equal((await running.exit).code, 0);
  running.output.cut();
  assert.equal((await draining).stdout.toString(), "hi\n");
  await running.terminate();
  running.release();
}

async function backgroundMayAdd({ runtime, targetId, shell }: RuntimeSubject): Promise<void> {
  const running = await start(runtime, targetId, { command: [...shell, "sleep 60 & echo hi"] });
  const draining = drain(running.output);
  await running.exit;
  running.output.cut();
  await draining;
  assert.equal(running.output.complete, false);
  await running.terminate();
  running.release();
}
