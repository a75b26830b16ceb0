import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGlob } from "../../src/access/policy/glob.ts";
import type { Selection } from "../../src/probes/definition.ts";
import { select } from "../../src/probes/select.ts";
import { FakeClock } from "../fixtures/clock.ts";
import { TargetsRuntime } from "./targets-runtime.ts";

const clock = new FakeClock();

function runtimes() {
  const docker = new TargetsRuntime("docker", { "db-1": { app: "db" }, "db-2": { app: "db", tier: "hot" }, web: { app: "web" } }, clock);
  const edge = new TargetsRuntime("edge", { "db-9": { app: "db" } }, clock);
  return { docker, edge, all: new Map([docker, edge].map((runtime) => [runtime.name, runtime])) };
}

const byGlobs = (...globs: string[]): Selection => ({ kind: "targets", globs: globs.map(compileGlob) });

test("an id is taken as it is, and nobody is asked for it", async () => {
  const { docker, all } = runtimes();
  assert.deepEqual(await select(byGlobs("docker:gone", "host"), all, clock), [{ id: "docker:gone" }, { id: "host" }]);
  assert.equal(docker.listed, 0);
});

test("globs stand for what matches them, each target once, and only runtimes that can have it are asked", async () => {
  const { docker, edge, all } = runtimes();
  const found = await select(byGlobs("docker:db-*", "docker:*"), all, clock);
  assert.deepEqual(found, [
    { id: "docker:db-1", labels: { app: "db" } },
    { id: "docker:db-2", labels: { app: "db", tier: "hot" } },
    { id: "docker:web", labels: { app: "web" } },
  ]);
  assert.deepEqual([docker.listed, edge.listed], [1, 0]);
  assert.equal((await select(byGlobs("*:db-?"), all, clock)).length, 3);
});

test("labels choose among the targets of all runtimes, and all of them must fit", async () => {
  const { all } = runtimes();
  const found = async (labels: Record<string, string>) => (await select({ kind: "labels", labels }, all, clock)).map(({ id }) => id);
  assert.deepEqual(await found({ app: "db" }), ["docker:db-1", "docker:db-2", "edge:db-9"]);
  assert.deepEqual(await found({ app: "db", tier: "hot" }), ["docker:db-2"]);
});

test("what matches nothing is a fault, and so is a runtime that does not answer", async () => {
  const { docker, all } = runtimes();
  assert.deepEqual(await select(byGlobs("docker:x*"), all, clock), [{ id: "docker:x*", fault: "no target matches" }]);
  assert.deepEqual(await select(byGlobs("podman:*"), all, clock), [{ id: "podman:*", fault: "no target matches" }]);
  docker.isUp = false;
  const fault = "docker cannot be asked for its targets";
  const other = { id: "edge:db-9", labels: { app: "db" } };
  assert.deepEqual(await select({ kind: "labels", labels: { app: "db" } }, all, clock), [other, { id: "app=db", fault }]);
  assert.deepEqual(await select(byGlobs("docker:*", "edge:*"), all, clock), [{ id: "docker:*", fault }, other]);
});
