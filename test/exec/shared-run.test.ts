import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedRun } from "../../src/exec/shared-run.ts";
import { FakeClock } from "../fixtures/clock.ts";

/** A run of 100 ms whose result is its number. */
function counted(keptMs: number) {
  const clock = new FakeClock();
  let [begun, running, most] = [0, 0, 0];
  const run = new SharedRun(
    async () => {
      most = Math.max(most, ++running);
      const number = ++begun;
      await new Promise<void>((resolve) => clock.after(100, resolve));
      running--;
      return number;
    },
    keptMs,
    clock,
  );
  return { clock, run, begun: () => begun, most: () => most };
}

test("ten thousand who ask at once share one run", async () => {
  const { clock, run, begun } = counted(0);
  const asked = Array.from({ length: 10_000 }, () => run.get());
  await clock.advance(100);
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([1]));
  assert.equal(begun(), 1);
});

test("a result answers for as long as it is kept, counted from the end of its run", async () => {
  const { clock, run, begun } = counted(1000);
  const first = run.get();
  await clock.advance(100);
  assert.equal(await first, 1);
  await clock.advance(999);
  assert.equal(await run.get(), 1);
  await clock.advance(1);
  const second = run.get();
  assert.equal(run.last, 1);
  await clock.advance(100);
  assert.equal(await second, 2);
  assert.equal(begun(), 2);
});

test("what is not kept is done again, and still once at a time", async () => {
  const { clock, run, begun, most } = counted(0);
  const numbers: number[] = [];
  for (let i = 0; i < 30; i++) {
    void run.get().then((number) => numbers.push(number));
    void run.refresh();
    await clock.advance(50);
  }
  await clock.runOut();
  assert.equal(numbers.length, 30);
  assert.ok(begun() >= 15 && begun() <= 16, `${begun()} runs`);
  assert.equal(most(), 1);
});

test("a refresh takes no result of before", async () => {
  const { clock, run } = counted(60_000);
  const first = run.get();
  await clock.advance(100);
  await first;
  const second = run.refresh();
  await clock.advance(100);
  assert.deepEqual([await second, await run.get()], [2, 2]);
});

test("a run that fails is the loss of those who waited for it, and of nobody after", async () => {
  let isBroken = true;
  const run = new SharedRun(
    async () => {
      if (isBroken) throw new Error("broken");
      return "well";
    },
    1000,
    new FakeClock(),
  );
  const asked = await Promise.allSettled([run.get(), run.get()]);
  assert.deepEqual(
    asked.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  isBroken = false;
  assert.equal(await run.get(), "well");
});
