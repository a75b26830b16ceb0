import assert from "node:assert/strict";
import { test } from "node:test";
import { askHealth } from "../../src/exec/health.ts";
import { FakeClock } from "../fixtures/clock.ts";
import { ScriptedRuntime } from "../fixtures/scripted-runtime.ts";

class SickRuntime extends ScriptedRuntime {
  signal: AbortSignal | undefined;
  answer: Promise<void> = Promise.resolve();
  pings = 0;

  override ping(signal?: AbortSignal): Promise<void> {
    this.signal = signal;
    this.pings++;
    return this.answer;
  }
}

test("a runtime that answers is up", async () => {
  const clock = new FakeClock();
  const runtime = new SickRuntime(clock);
  assert.deepEqual(await askHealth(runtime, clock), { up: true });
  assert.equal(clock.timers, 0);
});

test("a runtime that fails is down, and why is told", async () => {
  const clock = new FakeClock();
  const runtime = new SickRuntime(clock);
  runtime.answer = Promise.reject(new Error("Nobody is there."));
  assert.deepEqual(await askHealth(runtime, clock), { up: false, reason: "Nobody is there." });
});

test("a runtime that hangs is down after two seconds, and is told to give up", async () => {
  const clock = new FakeClock();
  const runtime = new SickRuntime(clock);
  runtime.answer = new Promise(() => undefined);
  const asked = askHealth(runtime, clock);
  await clock.advance(1999);
  assert.equal(runtime.signal?.aborted, false);
  await clock.advance(1);
  assert.deepEqual(await asked, { up: false, reason: "It does not answer." });
  assert.equal(runtime.signal?.aborted, true);
});

test("a runtime is asked once by all who ask at a time, and again a quarter of a second later", async () => {
  const clock = new FakeClock();
  const runtime = new SickRuntime(clock);
  await Promise.all(Array.from({ length: 1000 }, () => askHealth(runtime, clock)));
  await clock.advance(249);
  await askHealth(runtime, clock);
  assert.equal(runtime.pings, 1);
  await clock.advance(1);
  runtime.answer = Promise.reject(new Error("Nobody is there."));
  assert.deepEqual(await askHealth(runtime, clock), { up: false, reason: "Nobody is there." });
  assert.equal(runtime.pings, 2);
});
