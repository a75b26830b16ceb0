import assert from "node:assert/strict";
import { test } from "node:test";
import { Shellless } from "../../../src/runtimes/kubernetes/shellless.ts";

const seen = { canEndInput: true };

test("a container without a shell is remembered for a minute", () => {
  let now = 1000;
  const shellless = new Shellless(() => now);
  assert.equal(shellless.get("uid/main"), undefined);
  shellless.add("uid/main", seen);
  now += 59_999;
  assert.deepEqual([shellless.get("uid/main"), shellless.get("uid/side")], [seen, undefined]);
  now += 1;
  assert.equal(shellless.get("uid/main"), undefined);
});

test("of very many the oldest are forgotten", () => {
  const shellless = new Shellless(() => 0);
  for (let index = 0; index <= 10_000; index++) shellless.add(String(index), seen);
  assert.deepEqual([shellless.get("0"), shellless.get("1"), shellless.get("10000")], [undefined, seen, seen]);
});
