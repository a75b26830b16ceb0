import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { ErrorCode } from "../../../src/errors.ts";
import type { ExecSpec, Process, Runtime } from "../../../src/exec/runtime.ts";
import { groupOf } from "../../../src/runtimes/containerd/members.ts";
import { drain, marker, processesWith, readUntil, run as runOn, start as startOn, until } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { bareImage, Containerd, withoutContainerd } from "../../fixtures/containerd.ts";
import { takeDescriptors } from "../../fixtures/no-descriptors.ts";
import { stopProcess } from "../../fixtures/stop-process.ts";

const sh = ["/bin/sh", "-c"];

/** What somebody who waits is promised. */
const toldMsMax = 5000;

describe("a fault of containerd or its containers", { skip: withoutContainerd, timeout: 120_000 }, () => {
  let daemon: Containerd;
  let runtime: Runtime;
  let containers = 0;
  const start = (id: string, spec: Partial<ExecSpec>) => startOn(runtime, daemon.target(id), spec);
  const run = async (id: string, script: string) =>
    (await runOn(runtime, daemon.target(id), { command: [...sh, script] })).stdout.toString();

  async function container(...options: string[]): Promise<string> {
    const id = `c${++containers}`;
    await daemon.runContainer(id, ...options);
    return id;
  }

  before(async () => {
    daemon = await Containerd.start();
    runtime = daemon.runtime();
  });
  after(async () => {
    await runtime?.close();
    await daemon?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    await daemon.launch();
  });

  test("a container that is killed ends its commands by the signal, and starts no more", async () => {
    const id = await container();
    const running = await start(id, { command: ["sleep", "60"] });
    await daemon.ctr("tasks", "kill", "-s", "SIGKILL", id);
    assert.deepEqual(await inTime(running.exit), { code: 137, signal: "SIGKILL" });
    await end(running);
    await until(async () => (await runtime.resolve(daemon.target(id))).state === "stopped");
    await refused(start(id, { command: ["true"] }), "TARGET_NOT_RUNNING");
  });

  test("a container that is removed ends its commands, and is not there any more", async () => {
    const id = await container();
    const target = await runtime.resolve(daemon.target(id));
    const running = await start(id, { command: ["sleep", "60"] });
    await daemon.ctr("tasks", "delete", "-f", id);
    await daemon.ctr("containers", "delete", id);
    await inTime(running.exit.catch(code("RUNTIME_UNAVAILABLE")));
    await end(running);
    await refused(start(id, { command: ["true"] }), "TARGET_NOT_FOUND");
    await refused(runtime.start(target, { ...plain, command: ["true"] }, new AbortController().signal), "TARGET_NOT_FOUND");
  });

  test("a paused container starts nothing, says so, and lets go of its commands when it goes on", async () => {
    const id = await container();
    const running = await start(id, { command: [...sh, "echo ready; sleep 60"] });
    await readUntil(running.output, "ready\n");
    const seen = await runtime.resolve(daemon.target(id));
    await daemon.ctr("tasks", "pause", id);
    await assert.rejects(inTime(start(id, { command: ["true"] })), { code: "TARGET_NOT_RUNNING", details: { state: "paused" } });
    await refused(runtime.start(seen, { ...plain, command: ["true"] }, new AbortController().signal), "TARGET_NOT_RUNNING");
    await inTime(running.terminate());
    running.release();
    await daemon.ctr("tasks", "resume", id);
    await until(() => daemon.execs(id).length === 0 && daemon.fifos().length === 0);
    assert.equal(await run(id, "echo again"), "again\n");
  });

  test("a daemon that is started again loses neither a command, nor its output, nor its exit, and runs nothing twice", async () => {
    const id = await container();
    const running = await start(id, { command: [...sh, "echo run >>/tmp/runs; echo before; sleep 2; echo after; exit 7"] });
    await readUntil(running.output, "before\n");
    await daemon.stop();
    await refused(runtime.resolve(daemon.target(id)), "RUNTIME_UNAVAILABLE");
    await daemon.launch();
    assert.equal((await drain(running.output)).stdout.toString(), "after\n");
    assert.deepEqual(await running.exit, { code: 7, signal: null });
    await end(running);
    assert.equal(await run(id, "cat /tmp/runs"), "run\n");
  });

  test("a daemon that is away is told of the end of stdin when it is back", async () => {
    const id = await container();
    const running = await start(id, { command: [...sh, "cat; exit 5"], stdin: true });
    await running.write(Buffer.from("all of it"));
    await daemon.stop();
    const ended = running.endInput();
    await daemon.launch();
    await ended;
    assert.equal((await drain(running.output)).stdout.toString(), "all of it");
    assert.deepEqual(await inTime(running.exit), { code: 5, signal: null });
    await end(running);
  });

  test("a daemon that stays away loses the exit within 5 s; the tree is ended without it, and what is left when it is back", async () => {
    const id = await container();
    const mark = marker();
    const running = await start(id, { command: [...sh, `echo said; setsid sleep ${mark} & sleep ${mark}`] });
    await until(async () => (await processesWith(mark)).length === 2);
    await daemon.stop("SIGKILL");
    await refused(running.exit, "RUNTIME_UNAVAILABLE");
    await refused(runtime.ping(new AbortController().signal), "RUNTIME_UNAVAILABLE");
    assert.equal(await running.terminate(), "verified");
    assert.deepEqual(await processesWith(mark), []);
    running.output.cut();
    assert.equal((await drain(running.output)).stdout.toString(), "said\n");
    running.release();
    await daemon.launch();
    await until(() => daemon.execs(id).length === 0 && daemon.fifos().length === 0);
    assert.equal(await run(id, "echo again"), "again\n");
  });

  test("a daemon that hangs is given up in time, and used again when it goes on", async () => {
    const id = await container();
    const target = await runtime.resolve(daemon.target(id));
    await stopProcess(daemon.pid);
    try {
      const starting = runtime.start(target, { ...plain, command: [...sh, "echo run >>/tmp/runs"] }, new AbortController().signal);
      await Promise.all([
        refused(starting, "RUNTIME_UNAVAILABLE"),
        refused(runtime.resolve(daemon.target(id)), "RUNTIME_UNAVAILABLE"),
        refused(runtime.ping(new AbortController().signal), "RUNTIME_UNAVAILABLE"),
      ]);
    } finally {
      process.kill(daemon.pid, "SIGCONT");
    }
    await until(() => daemon.execs(id).length === 0 && daemon.fifos().length === 0);
    assert.equal(await run(id, "cat /tmp/runs 2>/dev/null; echo done"), "done\n", "what was given up was not run later");
  });

  test("a command of which it is not known whether it runs is lost, and ended with all that it brought forth", async () => {
    const hold = join(daemon.directory, "hold");
    const slow = join(daemon.directory, "slow-runc");
    writeFileSync(hold, "");
    writeFileSync(
      slow,
      `#!/bin/sh\nrunc "$@"\nstatus=$?\ncase " $* " in *" exec "*) while [ -e ${hold} ]; do sleep 0.05; done ;; esac\nexit $status\n`,
      { mode: 0o755 },
    );
    const id = await container("--runc-binary", slow);
    const mark = marker();
    const given = await inTime(start(id, { command: [...sh, `setsid sleep ${mark} & sleep ${mark}`] }));
    await refused(given.exit, "RUNTIME_UNAVAILABLE");
    assert.deepEqual([await given.output.next(), given.output.complete, await given.terminate()], [undefined, false, "bestEffort"]);
    given.release();
    rmSync(hold);
    await until(async () => (await processesWith(mark)).length === 0 && daemon.execs(id).length === 0 && daemon.fifos().length === 0);
    assert.equal(await run(id, "echo again"), "again\n");
  });

  test("a command whose input cannot be opened for want of descriptors runs, and is given it when there are some", async () => {
    const id = await container();
    const starting = start(id, { command: ["cat"], stdin: true });
    // The outputs are opened as soon as they are there, the input when the command runs.
    await until(() => daemon.fifos().length > 0);
    const putBack = takeDescriptors();
    const running = await starting.finally(putBack);
    await running.write(Buffer.from("all of it"));
    await running.endInput();
    assert.equal((await drain(running.output)).stdout.toString(), "all of it");
    assert.deepEqual(await running.exit, { code: 0, signal: null });
    await end(running);
  });

  test("a socket that is missing at the start is used as soon as it is there", async () => {
    const id = await container();
    await daemon.stop();
    const late = daemon.runtime();
    await refused(late.ping(new AbortController().signal), "RUNTIME_UNAVAILABLE");
    await refused(late.targets(), "RUNTIME_UNAVAILABLE");
    await daemon.launch();
    await until(() =>
      late.ping(new AbortController().signal).then(
        () => true,
        () => false,
      ),
    );
    const { stdout } = await runOn(late, daemon.target(id), { command: ["echo", "there"] });
    assert.equal(stdout.toString(), "there\n");
    await late.close();
  });

  test("an image without a shell runs what it has, and is let go of as verified", async () => {
    const id = "bare";
    await daemon.ctr("run", "-d", "--net-host", bareImage, id);
    await refused(start(id, { command: [] }), "COMMAND_NOT_FOUND");
    const running = await start(id, { command: ["sleep", "60"] });
    assert.equal(await running.terminate(), "verified");
    await running.exit;
    running.release();
  });

  test("a container without room for processes refuses, or starts a command that says itself that it can start no other", async () => {
    const id = await container();
    const { pid } = await task(id);
    const limit = join(groupOf(pid)?.replace("/unified/", "/pids/") ?? "", "pids.max");
    const before = readFileSync(limit, "utf8");
    writeFileSync(limit, "1");
    // What starts the command needs threads for a moment, and may or may not find the room that others leave.
    for (let tries = 0; tries < 5; tries++) {
      const running = inTime(runOn(runtime, daemon.target(id), { command: [...sh, "true & wait $!"] }));
      const ran = await running.catch(code("OVERLOADED"));
      if (typeof ran === "boolean") continue;
      assert.match(ran.stderr.toString(), /can't fork/);
      assert.notEqual(ran.exit.code, 0);
    }
    writeFileSync(limit, before);
    assert.equal(await run(id, "true & wait $!; echo room"), "room\n");
    await until(() => daemon.execs(id).length === 0 && daemon.fifos().length === 0);
  });

  async function task(id: string): Promise<{ pid: number }> {
    const row = (await daemon.ctr("tasks", "ls")).split("\n").find((line) => line.startsWith(`${id} `)) ?? "";
    return { pid: Number(row.split(/\s+/)[1]) };
  }
});

const plain: ExecSpec = { command: [], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };

async function end(running: Process): Promise<void> {
  await running.terminate();
  running.release();
}

async function refused(attempt: Promise<unknown>, expected: ErrorCode): Promise<void> {
  await assert.rejects(inTime(attempt), code(expected));
}

/** Fails when `attempt` does not settle in the time that is promised. */
async function inTime<T>(attempt: Promise<T>): Promise<T> {
  const began = performance.now();
  try {
    return await attempt;
  } finally {
    const took = Math.round(performance.now() - began);
    assert.ok(took <= toldMsMax, `it was told after ${took} ms`);
  }
}
