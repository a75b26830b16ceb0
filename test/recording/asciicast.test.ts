import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AsciicastEncoder } from "../../src/recording/asciicast.ts";
import { anyCharacter } from "../fixtures/any-character.ts";

/** The text of all output events. */
function textOf(lines: string): string {
  const events = lines
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as [number, string, string]);
  return events.map(([, type, text]) => (type === "o" ? text : "")).join("");
}

test("text that is cut anywhere, in the middle of characters too, is whole again", () => {
  const pieces = fc.array(fc.string({ unit: anyCharacter, maxLength: 20 }), { maxLength: 5 });
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(400), { maxLength: 8 }), (texts, cuts) => {
      const encoder = new AsciicastEncoder(true);
      const bytes = Buffer.from(texts.join(""));
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const parts = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      const lines = parts.map((part, i) => encoder.output("stdout", part, i)).join("") + encoder.end(9);
      assert.equal(textOf(lines), bytes.toString());
    }),
  );
});

test("each stream's characters are put together by themselves", () => {
  const encoder = new AsciicastEncoder(false);
  const [first, second] = [Buffer.from("ü"), Buffer.from("é")];
  assert.equal(encoder.output("stdout", first.subarray(0, 1), 1), "");
  assert.equal(encoder.output("stderr", second, 2), '[2.000000, "o", "é"]\n');
  assert.equal(encoder.output("stdout", first.subarray(1), 3), '[3.000000, "o", "ü"]\n');
});

test("a byte that is no text, and a character that never becomes whole, are marked", () => {
  const encoder = new AsciicastEncoder(true);
  assert.equal(textOf(encoder.output("stdout", Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x82]), 0)), "a\ufffdb");
  assert.equal(textOf(encoder.end(1)), "\ufffd");
  assert.equal(encoder.end(2), "");
});

test("line feeds are those of a terminal only where there was none", () => {
  assert.equal(new AsciicastEncoder(false).output("stdout", Buffer.from("a\nb\n"), 0.5), '[0.500000, "o", "a\\r\\nb\\r\\n"]\n');
  assert.equal(new AsciicastEncoder(true).output("stdout", Buffer.from("a\r\n\n"), 0.5), '[0.500000, "o", "a\\r\\n\\n"]\n');
});

test("a size is written as players read it", () => {
  assert.equal(new AsciicastEncoder(true).resize({ cols: 120, rows: 40 }, 1.25), '[1.250000, "r", "120x40"]\n');
});
