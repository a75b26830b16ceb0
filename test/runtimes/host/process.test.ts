import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { drain, marker, processesWith, size, start, until } from "../../conformance/process.ts";
import { descriptors } from "../../conformance/runtime-start.ts";
import { processesWith as processesWithNow, uniqueSleep } from "../../fixtures/until.ts";
import { createHost, sh } from "./running.ts";

const execute = promisify(execFile);

function script(name: string): string {
  return new URL(`./${name}.js`, import.meta.url).pathname;
}

/** The children of this process that have ended and were not waited for. */
async function zombies(): Promise<string[]> {
  const { stdout } = await execute("ps", ["-o", "pid=,stat=", "--ppid", String(process.pid)]);
  return stdout.split("\n").filter((line) => line.includes("Z"));
}

describe("a process on the host", { timeout: 30_000 }, () => {
  const host = createHost();

  test("leaves no descriptor and no zombie when it is released", async () => {
    await host.run({ command: ["true"] });
    const before = descriptors();
    for (const tty of [undefined, size]) {
      for (let i = 0; i < 20; i++) {
        const running = await host.start({ command: ["true"], tty, stdin: true });
        await running.exit;
        running.release();
        running.release();
      }
    }
    // Group files are written beside the loop, and may be open for a moment more.
    await until(() => descriptors() <= before);
    assert.deepEqual(await zombies(), []);
  });

  test("is given back when it runs as its start is aborted: nobody is told that it never ran", async () => {
    const mark = uniqueSleep();
    const leaving = new AbortController();
    const starting = start(host.runtime, host.runtime.name, { command: ["sleep", mark] }, leaving.signal);
    // The loop is held while it is looked for, so that the answer to the start cannot have come.
    const isSeen = (): boolean => {
      const deadline = performance.now() + 20;
      while (performance.now() < deadline) if (processesWithNow(mark).length > 0) return true;
      return false;
    };
    while (!isSeen()) await nextTurn();
    leaving.abort(new Error("left"));
    const running = await starting;
    await running.terminate();
    assert.equal((await running.exit).signal, "SIGKILL");
    running.release();
  });

  test("keeps its pid, as a zombie, until it is released", async () => {
    const running = await host.start({ command: [...sh, "echo $$"] });
    const pid = (await drain(running.output)).stdout.toString().trim();
    await running.exit;
    assert.match(readFileSync(`/proc/${pid}/stat`, "utf8"), /\) Z /);
    running.release();
    assert.equal(existsSync(`/proc/${pid}`), false);
  });

  test("that a real-time signal ends has no name for it", async () => {
    const { exit } = await host.run({ command: [...sh, "kill -40 $$"] });
    assert.deepEqual(exit, { code: 168, signal: null });
  });

  test("is ended by the runtime's close, stopped or deaf to signals as it may be", async () => {
    const other = createHost();
    const mark = marker();
    const deaf = await other.start({ command: [...sh, `trap '' TERM HUP INT; sleep ${mark} & sleep ${mark}; sleep ${mark}`], tty: size });
    const stopped = await other.start({ command: ["sleep", mark] });
    await until(async () => (await processesWith(mark)).length === 3);
    await stopped.signal("SIGSTOP");
    await other.runtime.close();
    assert.deepEqual(await processesWith(mark), []);
    assert.equal((await deaf.exit).signal, "SIGKILL");
  });

  test("does not outlive a gateway that is killed", async () => {
    const mark = marker();
    const gateway = spawn(process.execPath, [script("gateway"), mark], { stdio: "ignore" });
    // The gateway has the mark among its own arguments.
    await until(async () => (await processesWith(mark)).length === 4);
    gateway.kill("SIGKILL");
    await until(async () => (await processesWith(mark)).length === 0);
  });

  test("does not keep a gateway from exiting, nor crash it", async () => {
    const mark = marker();
    const { stderr } = await execute(process.execPath, [script("gateway"), mark, "exit"]);
    assert.equal(stderr, "");
    await until(async () => (await processesWith(mark)).length === 0);
  });

  test("lets a worker that watches it be torn down", async () => {
    const worker = new Worker(script("gateway"), { argv: [marker(), "worker"] });
    await once(worker, "message");
    assert.equal(await worker.terminate(), 1);
  });

  test("has a terminal that children of child_process do not inherit", async () => {
    const running = await host.start({ command: ["sleep", "60"], tty: size });
    const { stdout } = await execute("ls", ["-l", "/proc/self/fd"]);
    assert.doesNotMatch(stdout, /ptmx|pts/);
    await running.terminate();
    await running.exit;
    running.release();
  });
});
