import assert from "node:assert/strict";
import { test } from "node:test";
import { sequenceOf, withCtrl } from "../../src/web/keys.ts";

test("the keys that phones lack send what a terminal's keyboard sends", () => {
  assert.equal(sequenceOf("Esc", false), "\x1b");
  assert.equal(sequenceOf("Tab", false), "\t");
  assert.deepEqual([sequenceOf("↑", false), sequenceOf("←", true)], ["\x1b[A", "\x1bOD"]);
  assert.equal(sequenceOf("|", true), "|");
});

test("Ctrl makes control characters of those that have one, and leaves the others", () => {
  assert.deepEqual(["c", "C", "[", "@", "_"].map(withCtrl), ["\x03", "\x03", "\x1b", "\0", "\x1f"]);
  assert.deepEqual(["1", "é", "\x1b[A", ""].map(withCtrl), ["1", "é", "\x1b[A", ""]);
});
