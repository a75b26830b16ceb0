import assert from "node:assert/strict";
import { test } from "node:test";
import { readCounts, sampleOf } from "../../src/web/overview.ts";
import { filterTargets, type TargetRow } from "../../src/web/page-state.ts";
import { ago, byteCount, clockTime, duration } from "../../src/web/views/time.ts";

const text = `# HELP execgate_sessions_active Commands that run.
execgate_sessions_active{runtime="host",mode="interactive"} 2
execgate_sessions_active{runtime="docker",mode="sync"} 1
execgate_exec_start_seconds_count{runtime="host"} 40
execgate_exec_start_seconds_bucket{le="1",runtime="host"} 40
execgate_execs_total{runtime="host",mode="sync",outcome="exited",exit="zero"} 30
execgate_execs_total{runtime="host",mode="sync",outcome="exited",exit="nonzero"} 5
execgate_execs_total{runtime="host",mode="sync",outcome="killed",exit="none"} 2
execgate_refused_total{code="FORBIDDEN"} 3
`;

test("the overview's numbers are sums of the metrics", () => {
  assert.deepEqual(readCounts(text, 7), { at: 7, sessions: 3, execs: 40, failures: 10 });
});

test("rates are between two readings, and a gateway that was started anew counts from 0", () => {
  const before = { at: 10, sessions: 1, execs: 100, failures: 4 };
  const rates = sampleOf(before, { at: 12, sessions: 2, execs: 150, failures: 5 });
  assert.deepEqual(rates, { at: 12, sessions: 2, execsPerSecond: 25, failuresPerSecond: 0.5 });
  assert.equal(sampleOf(before, { at: 12, sessions: 0, execs: 6, failures: 0 }).execsPerSecond, 3);
});

test("targets are found by every word, in their ids, states and labels", () => {
  const target = (id: string, labels = {}, state = "running"): TargetRow => ({ id, runtime: "docker", name: id, state, labels });
  const all = [target("host"), target("docker:web", { tier: "front" }), target("docker:db", { tier: "back" }, "exited")];
  const found = (filter: string) => filterTargets(all, filter).map(({ id }) => id);
  assert.deepEqual(found(""), ["host", "docker:web", "docker:db"]);
  assert.deepEqual(found("DOCKER"), ["docker:web", "docker:db"]);
  assert.deepEqual(found("tier=back"), ["docker:db"]);
  assert.deepEqual(found("front run"), ["docker:web"]);
  assert.deepEqual(found("front exited"), []);
});

test("times and sizes are read at a glance", () => {
  assert.deepEqual([0, 64.9, 3725].map(clockTime), ["0:00", "1:04", "1:02:05"]);
  assert.deepEqual([340, 12_000, 180_000, 7_200_000, 432_000_000].map(duration), ["340 ms", "12 s", "3 min", "2 h", "5 days"]);
  assert.deepEqual([337, 1600, 45_000, 2_500_000, 268_000_000].map(byteCount), ["337 B", "1.6 kB", "45 kB", "2.5 MB", "268 MB"]);
  assert.equal(ago("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:05Z")), "5 s ago");
});
