import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseReason, readReason } from "../../src/server/reason.ts";

/** As a header comes: each byte as a character. */
const received = (text: string, encoding: BufferEncoding) => Buffer.from(text, encoding).toString("latin1");

test("a header is UTF-8 as curl sends it, or Latin-1 as a browser does", () => {
  assert.equal(readReason(undefined), undefined);
  assert.equal(readReason("ticket 42"), "ticket 42");
  assert.equal(readReason(received("für Łukasz", "utf8")), "für Łukasz");
  assert.equal(readReason(received("für", "latin1")), "für");
});

test("what is empty, too long or holds control characters is no reason", () => {
  for (const header of ["", "a\tb", "\x85", "\x7f", "x".repeat(513), received("\u0085", "utf8")]) {
    assert.throws(() => readReason(header), { code: "BAD_REQUEST" }, JSON.stringify(header));
  }
});

test("a field and the header may say the same, and not two things", () => {
  assert.deepEqual([chooseReason("a", undefined), chooseReason(undefined, "a"), chooseReason("a", "a")], ["a", "a", "a"]);
  assert.equal(chooseReason(undefined, undefined), undefined);
  assert.throws(() => chooseReason("a", "b"), { code: "BAD_REQUEST" });
});
