import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFragment } from "../../src/web/token.ts";

test("the token is read from the fragment, and everything else stays", () => {
  assert.deepEqual(parseFragment("#token=abc&target=docker:web&x=1"), {
    token: "abc",
    target: "docker:web",
    share: undefined,
    reason: undefined,
    rest: "#target=docker:web&x=1",
  });
  assert.equal(parseFragment("#share=01JD.abc").share, "01JD.abc");
  assert.equal(parseFragment("#target=host&reason=ticket%2042").reason, "ticket 42");
  assert.deepEqual(parseFragment("#token=abc"), { token: "abc", target: undefined, share: undefined, reason: undefined, rest: "" });
  assert.deepEqual(parseFragment("#x"), { token: undefined, target: undefined, share: undefined, reason: undefined, rest: "#x" });
  assert.deepEqual(parseFragment(""), { token: undefined, target: undefined, share: undefined, reason: undefined, rest: "" });
});

test("a token is taken letter for letter, percent signs decoded where they can be", () => {
  assert.equal(parseFragment("#token=a+b/c==").token, "a+b/c==");
  assert.equal(parseFragment("#token=a%2Bb").token, "a+b");
  assert.equal(parseFragment("#token=100%").token, "100%");
});

test("an empty token is none, and is taken out as well", () => {
  assert.deepEqual(parseFragment("#token=&target=host"), {
    token: undefined,
    target: "host",
    share: undefined,
    reason: undefined,
    rest: "#target=host",
  });
});
