import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ChainEnd, chainLine, chainStart } from "../../../src/access/audit/chain.ts";
import { verifyTrail } from "../../../src/access/audit/verify.ts";

/** A trail of `count` lines that goes on behind `before`. */
function trailOf(count: number, before: ChainEnd = chainStart): string[] {
  let end = before;
  return Array.from({ length: count }, (_, index) => {
    const line = chainLine(end, JSON.stringify({ event: "exec.start", argv: ["echo", `${index}`, "ü\n"] }).slice(1));
    end = line.end;
    return line.text;
  });
}

const verify = (lines: readonly string[], chunkBytes = 1 << 20) =>
  verifyBytes(Buffer.from(lines.map((line) => `${line}\n`).join("")), chunkBytes);

async function verifyBytes(bytes: Buffer, chunkBytes = 1 << 20) {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  return await verifyTrail(chunks());
}

/** The line that is named, or undefined for a trail that is intact. */
async function named(lines: readonly string[]): Promise<number | undefined> {
  const verdict = await verify(lines);
  return verdict.isIntact ? undefined : verdict.line;
}

describe("a trail that nobody touched", () => {
  it("is intact, in pieces of any size, and says how far it goes", async () => {
    const lines = trailOf(20);
    const whole = await verify(lines);
    assert.ok(whole.isIntact && whole.last !== undefined);
    assert.deepEqual([whole.count, whole.last.seq, whole.first], [20, 20, { seq: 1, hash: chainStart.hash }]);
    assert.equal(chainLine(whole.last, "}").text.includes(whole.last.hash), true);
    for (const size of [1, 7, 64]) assert.deepEqual(await verify(lines, size), whole);
  });

  it("may be empty", async () => {
    assert.deepEqual(await verify([]), { isIntact: true, count: 0, first: undefined, last: undefined });
  });

  it("may carry on from another file", async () => {
    const before = { seq: 41, hash: "ab".repeat(32) };
    const verdict = await verify(trailOf(3, before));
    assert.ok(verdict.isIntact);
    assert.deepEqual([verdict.first, verdict.last?.seq], [{ seq: 42, hash: before.hash }, 44]);
  });
});

describe("a trail that somebody touched", () => {
  const lines = trailOf(12);
  const place = fc.integer({ min: 0, max: lines.length - 2 });

  it("names the line in which any byte was changed, wherever it stands, but for the last line", async () => {
    const change = fc.record({ line: place, at: fc.nat(), by: fc.integer({ min: 1, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(change, async ({ line, at, by }) => {
        const bytes = Buffer.from(lines[line] ?? "");
        const index = at % bytes.length;
        const changed = (bytes[index] ?? 0) ^ by;
        // A newline makes two lines of one, of which the first is named.
        bytes[index] = changed;
        const all = lines.map((text, i) => (i === line ? bytes : Buffer.from(text))).flatMap((text) => [text, Buffer.from("\n")]);
        const verdict = await verifyBytes(Buffer.concat(all));
        assert.equal(verdict.isIntact ? undefined : verdict.line, line + 1);
      }),
      { numRuns: 500 },
    );
  });

  it("names the first place at which a line is missing, but for the first and the last line", async () => {
    for (let line = 1; line < lines.length - 1; line++) assert.equal(await named(lines.toSpliced(line, 1)), line + 1);
  });

  it("names the first of two lines that were swapped", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(lines.length - 1), { minLength: 2, maxLength: 2 }), async (pair) => {
        const [a = 0, b = 0] = pair.sort((x, y) => x - y);
        const swapped = lines.with(a, lines[b] ?? "").with(b, lines[a] ?? "");
        assert.equal(await named(swapped), a + 1);
      }),
    );
  });

  it("names the first place that a moved line made wrong", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: lines.length - 1 }), fc.integer({ min: 1, max: lines.length - 1 }), async (from, to) => {
        fc.pre(from !== to);
        const moved = lines.toSpliced(from, 1).toSpliced(to, 0, lines[from] ?? "");
        assert.equal(await named(moved), Math.min(from, to) + 1);
      }),
    );
  });

  it("names a line that was repeated, added, or is none", async () => {
    assert.equal(await named(lines.toSpliced(4, 0, lines[3] ?? "")), 5);
    assert.equal(await named(lines.toSpliced(4, 0, trailOf(5, { seq: 9, hash: "0".repeat(64) })[0] ?? "")), 5);
    assert.equal(await named(lines.toSpliced(4, 0, "")), 5);
    assert.equal(await named(["{}", ...lines]), 1);
  });

  it("names a last line that is cut", async () => {
    const text = lines.map((line) => `${line}\n`).join("");
    for (const cut of [1, 20]) {
      const verdict = await verifyBytes(Buffer.from(text.slice(0, -cut)));
      assert.deepEqual(verdict, { isIntact: false, line: 12, reason: "has no end" });
    }
  });

  it("holds no more of a file without lines than one line may have", async () => {
    let read = 0;
    async function* endless() {
      for (; read < 64; read++) yield Buffer.alloc(1 << 20, "x");
    }
    const verdict = await verifyTrail(endless());
    assert.deepEqual([verdict.isIntact, read < 8], [false, true]);
  });
});
