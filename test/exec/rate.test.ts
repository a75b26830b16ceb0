import assert from "node:assert/strict";
import { test } from "node:test";
import { Rate } from "../../src/exec/rate.ts";
import { FakeClock } from "../fixtures/clock.ts";

test("a minute's worth may come at once, then it goes on evenly", async () => {
  const clock = new FakeClock();
  const rate = new Rate(clock);
  for (let i = 0; i < 30; i++) assert.equal(rate.take("a", 30), undefined);
  assert.equal(rate.take("a", 30), 2);
  await clock.advance(1999);
  assert.equal(rate.take("a", 30), 1);
  await clock.advance(1);
  assert.equal(rate.take("a", 30), undefined);
  assert.equal(rate.take("a", 30), 2);
  await clock.advance(60_000);
  for (let i = 0; i < 30; i++) assert.equal(rate.take("a", 30), undefined);
  assert.equal(rate.take("a", 30), 2);
});

test("each is counted alone, and what was refused is not counted", async () => {
  const clock = new FakeClock();
  const rate = new Rate(clock);
  assert.equal(rate.take("a", 1), undefined);
  for (let i = 0; i < 100; i++) assert.equal(rate.take("a", 1), 60);
  assert.equal(rate.take("b", 1), undefined);
  await clock.advance(60_000);
  assert.equal(rate.take("a", 1), undefined);
});

test("in no minute more than twice the number gets through, and over hours not more than the number", async () => {
  const clock = new FakeClock();
  const rate = new Rate(clock);
  let taken = 0;
  for (let s = 0; s < 3600; s++) {
    for (let i = 0; i < 3; i++) if (rate.take("a", 20) === undefined) taken++;
    await clock.advance(1000);
  }
  assert.ok(taken >= 20 * 60 && taken <= 20 * 61, String(taken));
});
