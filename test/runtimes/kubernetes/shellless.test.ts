import assert from "node:assert/strict";
import { test } from "node:test";
import { Shellless } from "../../../src/runtimes/kubernetes/shellless.ts";

test("a container without a shell is remembered for a minute", () => {
  let now = 1000;
  const shellless = new Shellless(() => now);
  assert.equal(shellless.has("uid/main"), false);
  shellless.add("uid/main");
  now += 59_999;
  assert.deepEqual([shellless.has("uid/main"), shellless.has("uid/side")], [true, false]);
  now += 1;
  assert.equal(shellless.has("uid/main"), false);
});

test("of very many the oldest are forgotten", () => {
  const shellless = new Shellless(() => 0);
  for (let index = 0; index <= 10_000; index++) shellless.add(String(index));
  assert.deepEqual([shellless.has("0"), shellless.has("1"), shellless.has("10000")], [false, true, true]);
});
