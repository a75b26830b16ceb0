import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { findHierarchy } from "../../../src/runtimes/container/hierarchy.ts";
import type { Found } from "../../../src/runtimes/containerd/containers.ts";
import { surroundingsOf } from "../../../src/runtimes/containerd/surroundings.ts";
import { until } from "../../fixtures/until.ts";

const mount = findHierarchy();

/** A container as it was found; `pid` is that of its first process. */
function found(id: string, pid: number): Found {
  const value = Buffer.from(JSON.stringify({ process: { cwd: "/srv" }, linux: { cgroupsPath: `/default/${id}` } }));
  return {
    namespace: "default",
    container: { id, labels: {}, spec: { typeUrl: "", value } },
    task: { id, pid, status: "RUNNING" },
    target: { id: `containerd:default/${id}`, runtime: "containerd", name: id, immutableId: `default/${id}`, state: "running", labels: {} },
  };
}

describe("what a command is started in", { skip: mount === null && "it takes root and control groups (v2)" }, () => {
  const id = `surroundings-${process.pid}`;
  const group = `${mount}/${id}`;
  let first: ChildProcess;

  before(() => {
    mkdirSync(group);
    first = spawn("sleep", ["600"], { stdio: "ignore" });
    writeFileSync(`${group}/cgroup.procs`, String(first.pid));
  });
  after(async () => {
    first.kill("SIGKILL");
    await until("the end of the first process", () => !readFileSync(`${group}/cgroup.events`, "utf8").includes("populated 1"));
    rmdirSync(group);
  });

  test("is found out once for a container that was found to run here", () => {
    const container = found(id, first.pid ?? 0);
    const surroundings = surroundingsOf(container);
    assert.deepEqual(surroundings, { own: { cwd: "/srv" }, pid: first.pid, group });
    assert.equal(surroundingsOf(container), surroundings);
    assert.notEqual(surroundingsOf(found(id, first.pid ?? 0)), surroundings);
  });

  test("has no process where another has the number of the first, and is then found out again", () => {
    const container = found(id, process.pid);
    assert.deepEqual(surroundingsOf(container), { own: { cwd: "/srv" }, pid: undefined, group: undefined });
    assert.notEqual(surroundingsOf(container), surroundingsOf(container));
    assert.equal(surroundingsOf({ ...container, task: undefined }).pid, undefined);
  });
});
