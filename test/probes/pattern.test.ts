import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePattern } from "../../src/probes/pattern.ts";

test("a pattern is looked for anywhere, and its anchors are the text's", () => {
  assert.ok(compilePattern("ready: (true|yes)").isIn("db\nready: yes\n"));
  assert.ok(!compilePattern("^yes$").isIn("no\nyes\n"));
  assert.ok(compilePattern("(?m)^yes$").isIn("no\nyes\n"));
  assert.ok(compilePattern("(?i)grüße").isIn("GRÜSSE GRÜßE"));
});

/** Each doubles its time with every character where a matcher goes back to try again. */
const evil: readonly (readonly [pattern: string, text: string])[] = [
  ["^(a+)+$", `${"a".repeat(65_000)}!`],
  ["^(a|a)*$", `${"a".repeat(65_000)}!`],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(65_536)],
  ["(x+x+)+y", "x".repeat(65_536)],
];

for (const [pattern, text] of evil) {
  test(`time grows with the text and no faster for ${pattern}`, () => {
    const compiled = compilePattern(pattern);
    compiled.isIn(text.slice(-100));
    const began = performance.now();
    assert.equal(compiled.isIn(text), false);
    assert.ok(performance.now() - began < 10_000, "it would take longer than anybody lives");
  });
}

test("what would need going back, and what is no pattern, is refused with a reason", () => {
  for (const source of ["(?=a)b", "(a)\\1", "(", "a{1,100000}"]) {
    assert.throws(() => compilePattern(source), /error parsing regexp/, source);
  }
});
