import assert from "node:assert/strict";
import { test } from "node:test";
import { ParsedCount } from "../../src/web/parsed-count.ts";

test("what is parsed is acknowledged four times a window, and when nothing is left", () => {
  const acks: number[] = [];
  const count = new ParsedCount((bytes) => acks.push(bytes));
  count.begin(0, 120_000);
  const parsed = [20_000, 20_000, 10_000, 10_000].map((bytes) => count.receive(bytes));
  assert.equal(count.unparsed, 60_000);
  for (const done of parsed) done();
  assert.deepEqual(acks, [40_000, 60_000]);
  assert.equal(count.unparsed, 0);
});

test("the count begins at the session's offset and jumps over a gap", () => {
  const acks: number[] = [];
  const count = new ParsedCount((bytes) => acks.push(bytes));
  count.begin(1000, 100_000);
  assert.equal(count.unparsed, 0);
  count.receive(5)();
  const before = count.receive(5);
  count.skipTo(5000);
  const behind = count.receive(1);
  before();
  behind();
  assert.deepEqual(acks, [1005, 5001]);
});
