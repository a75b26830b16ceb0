import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunTimers, type RunTimes } from "../../src/exec/run-timers.ts";
import { FakeClock } from "../fixtures/clock.ts";

function arm(times: RunTimes) {
  const clock = new FakeClock();
  const run = new AbortController();
  const timers = new RunTimers(clock, run.signal);
  const said: string[] = [];
  timers.arm(times, (reason) => said.push(`${reason} at ${clock.monotonicMs()}`));
  return { clock, run, timers, said };
}

describe("the timers of a run", () => {
  test("say when its time is over", async () => {
    const { clock, said } = arm({ timeoutMs: 100, idleMs: 0 });
    await clock.runOut();
    assert.deepEqual(said, ["timeout at 100"]);
  });

  test("count the idle time from the last move, and arm nothing for a move", async () => {
    const { clock, timers, said } = arm({ timeoutMs: 0, idleMs: 100 });
    for (const atMs of [30, 60, 90]) {
      await clock.advance(30);
      timers.moved(atMs);
      assert.equal(clock.timers, 1);
    }
    await clock.runOut();
    assert.deepEqual(said, ["idle at 190"]);
  });

  test("are none where no time is set", () => {
    assert.equal(arm({ timeoutMs: 0, idleMs: 0 }).clock.timers, 0);
  });

  test("are gone with the run", async () => {
    const { clock, run, said } = arm({ timeoutMs: 100, idleMs: 50 });
    run.abort();
    assert.equal(clock.timers, 0);
    await clock.advance(1000);
    assert.deepEqual(said, []);
  });
});
