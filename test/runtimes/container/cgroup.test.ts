import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { ContainerCgroups } from "../../../src/runtimes/container/cgroup.ts";
import { marker, processesWith, until } from "../../conformance/process.ts";

const probe = new ContainerCgroups();
const mount = readFileSync("/proc/self/mountinfo", "utf8")
  .split("\n")
  .find((line) => / - cgroup2 /.test(line))
  ?.split(" ")[4];
const skip = !probe.isThere && "it takes root and control groups (v2)";

describe("control groups of execs in a container", { skip }, () => {
  const id = `container${process.pid}`;
  const parent = `${mount}/execgate-test-${id}`;
  let container: ChildProcess;
  let groups: ContainerCgroups;

  before(() => {
    mkdirSync(parent);
    container = spawn("sleep", ["600"]);
    writeFileSync(`${parent}/cgroup.procs`, String(container.pid));
    groups = new ContainerCgroups();
  });

  after(async () => {
    groups.close();
    container.kill("SIGKILL");
    await until(() => !readFileSync(`${parent}/cgroup.events`, "utf8").includes("populated 1"));
    await until(() => readdirSync(parent).filter((name) => name.startsWith("execgate-")).length === 0);
    rmdirSync(parent);
  });

  /** A shell that waits for a line before it goes on. */
  async function entered(mark: string, script: string) {
    const group = groups.open(container.pid ?? 0, id, mark);
    assert.ok(group);
    const shell = spawn("sh", ["-c", `read line; ${script}`]);
    await group.enter(shell.pid ?? 0);
    shell.stdin.write("\n");
    return { group, shell };
  }

  test("end everybody who came forth in them, and know it", async () => {
    const sleep = marker();
    const { group } = await entered("kill", `setsid sleep ${sleep} & (setsid sleep ${sleep} &); sleep ${sleep}`);
    await until(async () => (await processesWith(sleep)).length === 3);
    assert.equal(await group.kill(), "verified");
    assert.deepEqual(await processesWith(sleep), []);
    assert.equal(await group.kill(), "verified");
    await group.release();
    assert.deepEqual(
      readdirSync(parent).filter((name) => name.endsWith("-kill")),
      [],
    );
  });

  test("give those back to the container who are left alone", async () => {
    const sleep = marker();
    const { group } = await entered("leave", `setsid sleep ${sleep} & exit`);
    await until(async () => (await processesWith(sleep)).length === 1);
    await group.release();
    const [left] = await processesWith(sleep);
    assert.ok(
      readFileSync(`${parent}/cgroup.procs`, "utf8")
        .split("\n")
        .includes(left ?? ""),
    );
    process.kill(Number(left), "SIGKILL");
  });

  test("are not made for a process that is none of the container's", async () => {
    assert.equal(groups.open(process.pid, id, "other"), undefined);
    assert.equal(groups.open(0, id, "none"), undefined);
  });

  test("are ended when the gateway is gone", async () => {
    const sleep = marker();
    const script = `
      import { spawn } from "node:child_process";
      import { ContainerCgroups } from ${JSON.stringify(new URL("../../../src/runtimes/container/cgroup.js", import.meta.url).href)};
      const group = new ContainerCgroups().open(${container.pid}, ${JSON.stringify(id)}, "lost");
      const shell = spawn("sh", ["-c", "read line; setsid sleep ${sleep} & sleep ${sleep}"], { stdio: ["pipe", "ignore", "ignore"] });
      await group.enter(shell.pid);
      shell.stdin.write("\\n");
      setInterval(() => {}, 1000);`;
    const gateway = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
    await until(async () => (await processesWith(sleep)).length === 2);
    gateway.kill("SIGKILL");
    await until(async () => (await processesWith(sleep)).length === 0);
    await until(() => !readdirSync(parent).some((name) => name.endsWith("-lost")));
  });

  test("are guarded again by another when the guard was ended", async () => {
    const guards = () => processesWith("-c").then((pids) => pids.filter((pid) => isGuardOf(process.pid, pid)));
    const [guard] = await guards();
    assert.ok(guard);
    process.kill(Number(guard), "SIGKILL");
    await until(async () => {
      const [next] = await guards();
      return next !== undefined && next !== guard;
    });
    assert.ok(existsSync(parent));
  });
});

function isGuardOf(gateway: number, pid: string): boolean {
  const read = (name: string) => (existsSync(`/proc/${pid}/${name}`) ? readFileSync(`/proc/${pid}/${name}`, "latin1") : "");
  return read("stat").split(") ")[1]?.split(" ")[1] === String(gateway) && read("cmdline").includes("cgroup.kill");
}
