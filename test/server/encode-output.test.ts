import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Encoding } from "../../src/exec/collect.ts";
import { encodePiece, encodeStream } from "../../src/server/encode-output.ts";
import { anyCharacter } from "../fixtures/any-character.ts";

const keep = fc.constantFrom("head" as const, "tail" as const);
const encodings = fc.constantFrom<Encoding[]>("auto", "utf8", "base64");
const texts = fc.string({ unit: anyCharacter, maxLength: 60 });
const outputs = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  texts.map((text) => Buffer.from(text)),
  fc.tuple(texts, fc.uint8Array({ maxLength: 4 })).map(([text, rest]) => Buffer.concat([Buffer.from(text), rest])),
);

/** What a collector keeps of `output`. */
function cut(output: Buffer, cap: number, end: "head" | "tail"): Buffer {
  return end === "head" ? output.subarray(0, cap) : output.subarray(Math.max(0, output.length - cap));
}

test("decoding gives the kept bytes, less than a character of them left out where the cap cut one", () => {
  fc.assert(
    fc.property(outputs, fc.nat(90), keep, encodings, (output, cap, end, encoding) => {
      const kept = cut(output, cap, end);
      const stream = encodeStream({ kept, bytes: output.length }, end, encoding);
      const decoded = Buffer.from(stream.data, stream.encoding);
      const missing = kept.length - decoded.length;
      assert.ok(missing >= 0 && missing <= (stream.encoding === "utf8" && kept.length < output.length ? 3 : 0));
      assert.deepEqual(decoded, cut(kept, decoded.length, end));
      assert.equal(stream.bytes, output.length);
      assert.equal(stream.truncated, output.length > decoded.length);
    }),
    { numRuns: 2000 },
  );
});

test("text is text however it was cut", () => {
  fc.assert(
    fc.property(texts, fc.nat(90), keep, (text, cap, end) => {
      const output = Buffer.from(text);
      const stream = encodeStream({ kept: cut(output, cap, end), bytes: output.length }, end, "utf8");
      assert.equal(stream.encoding, "utf8");
      assert.ok(end === "head" ? text.startsWith(stream.data) : text.endsWith(stream.data));
    }),
    { numRuns: 1000 },
  );
});

test("auto is text exactly where escaping costs no more than base64", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const kept = Buffer.from(text);
      const { encoding } = encodeStream({ kept, bytes: kept.length }, "head", "auto");
      const escaped = Buffer.byteLength(JSON.stringify(text)) - 2;
      assert.equal(encoding, escaped <= Math.ceil(kept.length / 3) * 4 ? "utf8" : "base64");
    }),
    { numRuns: 1000 },
  );
});

test("a piece of a stream decodes to itself, and has the encoding that a whole one would have", () => {
  fc.assert(
    fc.property(outputs, encodings, (bytes, encoding) => {
      const piece = encodePiece(bytes, encoding);
      assert.deepEqual(Buffer.from(piece.data, piece.encoding), bytes);
      assert.equal(piece.encoding, encodeStream({ kept: bytes, bytes: bytes.length }, "head", encoding).encoding);
    }),
  );
});
