import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { after, describe, test } from "node:test";
import { drain, marker, processesWith, readUntil, size } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { until } from "../../fixtures/until.ts";
import { createHost, needsRoot, sh } from "./running.ts";

/** Where control groups of version 2 are on this machine, mounted alone or beside those of version 1. */
const unified = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find(
  (path) => existsSync(`${path}/cgroup.procs`) && existsSync(`${path}/cgroup.controllers`),
);

const needsCgroups = needsRoot || createHost().runtime.isolation.tree === "cgroup" ? false : "there are no control groups to be written";

/** The directories that gateways with this pid have in the top group. */
function runsOf(pid: number | undefined): string[] {
  const directory = `${unified}/execgate`;
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(`run-${pid}-`)) : [];
}

/** The processes called execgate-guard whose gateway was `pid`. */
function guardsOf(pid: number | undefined): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((one) => {
    const words = commandLine(one);
    return words[0] === "execgate-guard" && words.some((word) => word.includes(`/run-${pid}-`));
  });
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
  } catch {
    return [];
  }
}

const gatewayScript = new URL("./gateway.js", import.meta.url).pathname;

describe("what a command leaves behind", { timeout: 30_000 }, () => {
  const host = createHost();
  after(() => host.runtime.close());

  for (const { name, options } of [
    { name: "in a control group", options: {} },
    { name: "under a supervisor", options: { user: "root" } },
  ]) {
    test(`stays when it is released without an end, ${name}`, { skip: needsRoot }, async () => {
      const other = createHost(options);
      const mark = marker();
      const running = await other.start({ command: [...sh, `setsid sleep ${mark} >/dev/null 2>&1 &`] });
      await drain(running.output);
      await running.exit;
      // The shell exits as soon as it has forked: what it left becomes `setsid` in its own time.
      await until("what was left", async () => (await processesWith(mark)).length === 1);
      running.release();
      await other.runtime.close();
      const [left] = await processesWith(mark);
      assert.ok(left !== undefined);
      process.kill(Number(left), "SIGKILL");
      await until("end of what was left", async () => (await processesWith(mark)).length === 0);
    });
  }

  test("is ended although the command has stopped its supervisor", { skip: needsRoot }, async () => {
    const other = createHost({ user: "root" });
    const mark = marker();
    const script = `setsid sleep ${mark} & read go; kill -STOP $PPID; echo stopped; wait`;
    const running = await other.start({ command: [...sh, script], stdin: true });
    await running.write(Buffer.from("go\n"));
    await readUntil(running.output, "stopped\n");
    assert.equal(await running.terminate(), "verified");
    assert.deepEqual(await processesWith(mark), []);
    await running.exit;
    running.release();
    await other.runtime.close();
  });

  test("is told as verified when it is ended, once and again", async () => {
    const running = await host.start({ command: [...sh, "setsid sleep 60 & echo on"] });
    await readUntil(running.output, "on\n");
    assert.deepEqual(await Promise.all([running.terminate(), running.terminate()]), ["verified", "verified"]);
    await running.exit;
    running.release();
    assert.equal(await running.terminate(), "bestEffort");
  });
});

describe("control groups", { timeout: 30_000, skip: needsCgroups }, () => {
  test("of a gateway are removed at its end, by its guard", async () => {
    const gateway = spawn(process.execPath, [gatewayScript, marker()], { stdio: "ignore" });
    await until("guard", () => guardsOf(gateway.pid).length === 1);
    assert.equal(runsOf(gateway.pid).length, 1);
    gateway.kill("SIGKILL");
    await until("removal", () => runsOf(gateway.pid).length === 0);
    await until("end of the guard", () => guardsOf(gateway.pid).length === 0);
  });

  test("and everything in them are swept at a start when neither gateway nor guard is left", async () => {
    const mark = marker();
    const gateway = spawn(process.execPath, [gatewayScript, mark], { stdio: "ignore" });
    await until("commands", async () => (await processesWith(mark)).length === 4);
    assert.equal(runsOf(gateway.pid).length, 1);
    for (const guard of guardsOf(gateway.pid)) process.kill(guard, "SIGKILL");
    gateway.kill("SIGKILL");
    await until("end of the gateway", () => gateway.signalCode !== null);
    // The start of any gateway on this machine sweeps, those of other tests too.
    const next = createHost();
    await until("removal", () => runsOf(gateway.pid).length === 0);
    assert.deepEqual(await processesWith(mark), []);
    await next.runtime.close();
  });

  test("get another guard when theirs is ended", async () => {
    const host = createHost();
    const before = guardsOf(process.pid);
    for (const guard of before) process.kill(guard, "SIGKILL");
    await until("new guard", () => guardsOf(process.pid).some((guard) => !before.includes(guard)));
    await host.runtime.close();
  });

  test("give the next command its whole limit, whatever the last one was", async () => {
    const host = createHost({ limits: { processesMax: 20 } });
    for (let i = 0; i < 3; i++) {
      const running = await host.start({
        command: [...sh, "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 60 & done; echo all; wait"],
      });
      await readUntil(running.output, "all\n");
      await running.terminate();
      await running.exit;
      running.release();
    }
    await host.runtime.close();
  });
});

describe("control groups that others look at", { timeout: 30_000, skip: needsCgroups }, () => {
  test("cannot be locked by another user, who would hold up the next start", async () => {
    const host = createHost();
    const lock = await host.run({ command: ["flock", "--nonblock", `${unified}/execgate`, "true"] });
    assert.notEqual(lock.exit.code, 0);
    assert.match(lock.stderr.toString(), /Permission denied/);
    await host.runtime.close();
  });

  test("give the next command its whole memory, whatever the last one left in files", async () => {
    const host = createHost({ limits: { memoryBytesMax: 32 * 1024 * 1024 } });
    const file = `/dev/shm/execgate-${marker()}`;
    const wrote = await host.run({ command: ["dd", "if=/dev/zero", `of=${file}`, "bs=1M", "count=28"] });
    assert.equal(wrote.exit.code, 0);
    const { exit } = await host.run({ command: ["perl", "-e", '$a = "x" x (8 * 1024 * 1024)'] });
    rmSync(file);
    assert.deepEqual(exit, { code: 0, signal: null });
    await host.runtime.close();
  });
});

describe("limits of a session", { timeout: 30_000, skip: needsRoot }, () => {
  test("of open files are the hard limit", async () => {
    const host = createHost({ limits: { openFilesMax: 300 } });
    assert.deepEqual(await host.lines("ulimit -Hn; ulimit -Sn"), ["300", "300"]);
    await host.runtime.close();
  });

  test("of memory end what asks for more", { skip: needsCgroups }, async () => {
    const host = createHost({ limits: { memoryBytesMax: 32 * 1024 * 1024 } });
    const { exit } = await host.run({ command: ["perl", "-e", '$a = "x" x (64 * 1024 * 1024); print length $a'] });
    assert.equal(exit.signal, "SIGKILL");
    assert.deepEqual(await host.lines("echo small"), ["small"]);
    await host.runtime.close();
  });

  test("of processor time slow down what wants more", { skip: needsCgroups }, async () => {
    const host = createHost({ limits: { cpusMax: 0.2 } });
    const times = await host.lines("timeout 1 sh -c 'while :; do :; done'; times");
    const seconds = Number(/(\d+)m([\d.]+)s/.exec(times[1] ?? "")?.[2]);
    assert.ok(seconds > 0.05 && seconds < 0.4, `it had ${times[1]} in a second`);
    await host.runtime.close();
  });
});

describe("a user of its own for each command", { timeout: 30_000, skip: needsRoot }, () => {
  test("is nobody else's while it runs, and is given out again late", async () => {
    const host = createHost({ user: "dynamic", dynamicUsers: { first: 1_900_000_000, last: 1_900_000_002 } });
    const uids: string[] = [];
    for (let i = 0; i < 4; i++) uids.push((await host.lines("id -u"))[0] ?? "");
    assert.deepEqual(uids, ["1900000000", "1900000001", "1900000002", "1900000000"]);
    const running = await Promise.all([1, 2, 3].map(() => host.start({ command: ["sleep", "60"] })));
    await assert.rejects(host.start({ command: ["true"] }), code("OVERLOADED"));
    await running[0]?.terminate();
    await running[0]?.exit;
    running[0]?.release();
    assert.deepEqual(await host.lines("echo again"), ["again"]);
    await host.runtime.close();
  });

  test("is not taken to find out whether the host answers, nor missed for that", async () => {
    const host = createHost({ user: "dynamic", dynamicUsers: { first: 1_900_000_000, last: 1_900_000_001 } });
    const ping = (): Promise<void> => host.runtime.ping(new AbortController().signal);
    assert.deepEqual(await host.lines("id -u"), ["1900000000"]);
    await ping();
    assert.deepEqual(await host.lines("id -u"), ["1900000001"], "the one that was used last is not given out before the other");
    await Promise.all([1, 2].map(() => host.start({ command: ["sleep", "60"] })));
    await ping();
    await host.runtime.close();
  });

  test("keeps commands from each other", async () => {
    const host = createHost({ user: "dynamic" });
    const running = await host.start({ command: ["sleep", "60"], env: { SECRET: "canary" } });
    const isIt = (name: string): boolean =>
      /^\d+$/.test(name) && ownedBy(name) >= 1_900_000_000 && commandLine(Number(name))[0] === "sleep";
    let pid: string | undefined;
    // The kernel shows a new program's arguments a moment after it has let its parent go on.
    await until("the command", async () => {
      pid = readdirSync("/proc").find(isIt);
      return pid !== undefined;
    });
    const [read, killed] = await host.lines(`cat /proc/${pid}/environ >/dev/null 2>&1; echo $?; kill -9 ${pid} 2>/dev/null; echo $?`);
    assert.deepEqual([read, killed], ["1", "1"]);
    await running.terminate();
    await running.exit;
    running.release();
    await host.runtime.close();
  });
});

function ownedBy(pid: string): number {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return 0;
  }
}

describe("job control on a terminal", { timeout: 30_000 }, () => {
  test("stops with ^Z, goes on with fg, and ends with ^C", async () => {
    const host = createHost();
    const mark = marker();
    const isAsleep = async (): Promise<boolean> => {
      const [pid] = await processesWith(mark);
      return pid !== undefined && foregroundIs(pid);
    };
    const running = await host.start({ command: ["bash", "--norc", "-i"], tty: size, stdin: true });
    await running.write(Buffer.from(`sleep ${mark}\n`));
    await until("sleep in the foreground", isAsleep);
    await running.write(Buffer.from("\x1a"));
    await readUntil(running.output, "Stopped");
    await running.write(Buffer.from("fg\n"));
    await until("sleep in the foreground", isAsleep);
    await running.write(Buffer.from("\x03"));
    await until("end of the sleep", async () => (await processesWith(mark)).length === 0);
    await running.write(Buffer.from("echo status $?; exit 7\n"));
    await readUntil(running.output, "status 130");
    assert.deepEqual(await running.exit, { code: 7, signal: null });
    await running.terminate();
    running.release();
    await host.runtime.close();
  });
});

/** Whether a process runs, neither stopped nor in the background of its terminal. */
function foregroundIs(pid: string): boolean {
  const [state, , group, , , foreground] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return state !== "T" && group === foreground;
}
