import assert from "node:assert/strict";
import { test } from "node:test";
import { spentIn } from "./stages.ts";

test("what is spent in an exec is told by stage, one that comes twice as both, and in all", () => {
  const spent = spentIn([
    ["begin", 100],
    ["request", 100.5],
    ["prepare", 100.75],
    ["audit", 102],
    ["prepare", 102.25],
    ["answer", 103],
  ]);
  assert.deepEqual(spent, { request: 500, prepare: 500, audit: 1250, launch: 0, command: 0, output: 0, verify: 0, answer: 750, all: 3000 });
});
