import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Collection, collect, type Keep } from "../../src/exec/collect.ts";
import { OutputLog } from "../../src/exec/log.ts";
import type { Chunk, StreamName } from "../../src/exec/runtime.ts";

/** Collects what is appended while it is read. */
async function collected(chunks: readonly Chunk[], cap: number, keep: Keep): Promise<Collection> {
  const log = new OutputLog(1000);
  const collecting = collect(log.open({ role: "writer" }), cap, keep);
  for (const chunk of chunks) {
    log.append(chunk);
    await log.room();
  }
  log.endOutput();
  return await collecting;
}

function chunksOf(...texts: readonly string[]): Chunk[] {
  return texts.map((text) => ({ stream: "stdout", bytes: Buffer.from(text) }));
}

describe("collecting", () => {
  test("keeps the head of what is too long and counts all of it", async () => {
    const { stdout } = await collected(chunksOf("abc", "def", "ghi"), 5, "head");
    assert.deepEqual([stdout.kept.toString(), stdout.bytes], ["abcde", 9]);
  });

  test("leaves no cursor behind in a log that is kept", async (t) => {
    const log = new OutputLog(1000);
    log.endOutput();
    const cursor = log.open({ role: "viewer" });
    const closing = t.mock.method(cursor, "close");
    await collect(cursor, 5, "tail");
    assert.equal(closing.mock.callCount(), 1);
  });

  test("keeps the tail where that is asked", async () => {
    const { stdout } = await collected(chunksOf("abc", "def", "ghi"), 5, "tail");
    assert.deepEqual([stdout.kept.toString(), stdout.bytes], ["efghi", 9]);
  });

  test("keeps the streams apart, each with a cap of its own", async () => {
    const chunks: Chunk[] = [...chunksOf("abc"), { stream: "stderr", bytes: Buffer.from("12345") }, ...chunksOf("def")];
    const { stdout, stderr } = await collected(chunks, 4, "head");
    assert.deepEqual([stdout.kept.toString(), stdout.bytes], ["abcd", 6]);
    assert.deepEqual([stderr.kept.toString(), stderr.bytes], ["1234", 5]);
  });

  for (const keep of ["head", "tail"] as const) {
    test(`keeps nothing of the ${keep} for a cap of 0, and counts`, async () => {
      const { stdout, stderr } = await collected(chunksOf("abc", "def"), 0, keep);
      assert.deepEqual([stdout.kept.length, stdout.bytes], [0, 6]);
      assert.deepEqual([stderr.kept.length, stderr.bytes], [0, 0]);
    });

    test(`of the ${keep} gives the slice of the whole, however it was cut into pieces`, async () => {
      const piece = fc.record({ stream: fc.constantFrom<StreamName>("stdout", "stderr"), bytes: fc.uint8Array({ maxLength: 60 }) });
      const large = fc.record({
        stream: fc.constantFrom<StreamName>("stdout"),
        bytes: fc.uint8Array({ minLength: 1000, maxLength: 6000 }),
      });
      const pieces = fc.array(fc.oneof({ weight: 9, arbitrary: piece }, large), { maxLength: 40 });
      const cap = fc.oneof(fc.nat(100), fc.constantFrom(1023, 1024, 1025, 5000));
      await fc.assert(
        fc.asyncProperty(pieces, cap, async (parts, most) => {
          const chunks = parts.map(({ stream, bytes }) => ({ stream, bytes: Buffer.from(bytes) }));
          const result = await collected(chunks, most, keep);
          for (const name of ["stdout", "stderr"] as const) {
            const whole = Buffer.concat(chunks.filter(({ stream }) => stream === name).map(({ bytes }) => bytes));
            const from = keep === "head" ? 0 : Math.max(0, whole.length - most);
            assert.equal(result[name].bytes, whole.length);
            assert.deepEqual(result[name].kept, whole.subarray(from, from + most));
          }
        }),
        { numRuns: 200 },
      );
    });

    test(`holds no more than the cap of the ${keep} while much goes by`, async () => {
      const { stdout } = await collected(
        Array.from({ length: 200 }, () => ({ stream: "stdout" as const, bytes: Buffer.alloc(65_536, 1) })),
        30_000,
        keep,
      );
      assert.equal(stdout.bytes, 200 * 65_536);
      assert.ok(stdout.kept.buffer.byteLength <= 30_000);
    });
  }

  test("skips what is no longer kept", async () => {
    const log = new OutputLog(0);
    for (const chunk of chunksOf("abc", "def")) log.append(chunk);
    log.endOutput();
    const { stdout } = await collect(log.open({ role: "viewer", offset: 0 }), 10, "head");
    assert.equal(stdout.bytes, 0);
  });
});
