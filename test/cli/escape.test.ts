import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createEscapeFilter } from "../../src/cli/escape.ts";

/** What goes to the server of keys that come in these pieces; END or DETACH where they ask for it. */
function sent(...pieces: string[]): string {
  const escapes = createEscapeFilter();
  let text = "";
  for (const piece of pieces) {
    const { keys, wish } = escapes.filter(Buffer.from(piece));
    text += Buffer.from(keys).toString();
    if (wish !== undefined) return text + wish.toUpperCase();
  }
  return text;
}

test("~. at the beginning of a line ends, however the keys come", () => {
  for (const keys of [["~."], ["~", "."], ["a\r~."], ["a\n", "~", ".b"]]) assert.ok(sent(...keys).endsWith("END"), keys.join("|"));
});

test("~d at the beginning of a line detaches, behind what was typed before", () => {
  assert.deepEqual([sent("~d"), sent("a\r~dx"), sent("a~d")], ["DETACH", "a\rDETACH", "a~d"]);
});

test("~^Z at the beginning of a line suspends, and the keys behind it are still to come", () => {
  const { keys, wish, rest } = createEscapeFilter().filter(Buffer.from("\r~\x1afg"));
  assert.deepEqual([Buffer.from(keys).toString(), wish, Buffer.from(rest).toString()], ["\r", "suspend", "fg"]);
});

test("~~ sends one, and any other key behind a tilde sends both", () => {
  assert.equal(sent("~~x"), "~x");
  assert.equal(sent("~", "~", "."), "~.");
  assert.equal(sent("~a", "\r~/bin\r"), "~a\r~/bin\r");
  assert.equal(sent("~\r", "~."), "~\rEND");
});

test("a tilde in a line is a tilde", () => {
  assert.equal(sent("cd ~.", " ~~", "x~."), "cd ~. ~~x~.");
});

test("a held tilde is not sent before its key is known", () => assert.equal(sent("~"), ""));

test("keys without a tilde are sent as they are", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (pieces) => {
      const escapes = createEscapeFilter();
      for (const piece of pieces) {
        const keys = piece.filter((key) => key !== 0x7e);
        assert.deepEqual(escapes.filter(keys), { keys, wish: undefined, rest: new Uint8Array() });
      }
    }),
  );
});
