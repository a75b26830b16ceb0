import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import type { Cursor, LogItem } from "../../src/exec/cursor.ts";
import { OutputLog } from "../../src/exec/log.ts";
import { givePage, pageBytes, takePage } from "../../src/exec/pages.ts";
import type { StreamName } from "../../src/exec/runtime.ts";

/** More than there can be spare ones. */
function takeMany(): Buffer<ArrayBuffer>[] {
  return Array.from({ length: 100 }, takePage);
}

/** How many different pages it takes to put `count` pieces of `length` bytes into a log that keeps 200 KB, while somebody reads. */
function pagesTaken(count: number, length: number, read: (cursor: Cursor) => void): number {
  const log = new OutputLog(200_000);
  const cursor = log.open({ role: "writer" });
  const pages = new Set<Buffer>();
  for (let n = 0; n < count; n++) {
    const page = takePage();
    pages.add(page);
    log.append({ stream: "stdout", bytes: page.subarray(0, length) });
    read(cursor);
  }
  return pages.size;
}

describe("a page", () => {
  beforeEach(() => void takeMany());

  test("that was given back is the next to be taken, as a whole", () => {
    const page = takePage();
    givePage(page.subarray(10, 20));
    assert.equal(takePage(), page);
  });

  test("is never what was not taken as one", () => {
    const foreign = Buffer.allocUnsafeSlow(pageBytes);
    givePage(foreign);
    assert.notEqual(takePage(), foreign);
  });

  test("is let go of where there are enough", () => {
    const pages = takeMany();
    for (const page of pages) givePage(page);
    assert.equal(takeMany().filter((page) => pages.includes(page)).length, 16);
  });
});

describe("a log", () => {
  beforeEach(() => void takeMany());

  for (const length of [pageBytes, 20_000, 100]) {
    test(`of pieces of ${length} bytes that are only lent needs few pages`, () => {
      let lent = 0;
      const lend = (cursor: Cursor): void => {
        const count = (item: LogItem): void => {
          if (item.type === "data") lent += item.bytes.length;
        };
        while (cursor.lend(count));
      };
      const pages = pagesTaken(1000, length, lend);
      assert.equal(lent, 1000 * length);
      assert.ok(pages <= 5, `${pages} pages`);
    });
  }

  test("keeps no page from the next one when it is dropped", () => {
    const log = new OutputLog(1_000_000);
    const pages = Array.from({ length: 10 }, takePage);
    for (const bytes of pages) log.append({ stream: "stdout", bytes });
    log.drop();
    assert.equal(takeMany().filter((page) => pages.includes(page)).length, 10);
  });

  test("never gives back what somebody was given", () => {
    const piece = fc.record({
      stream: fc.constantFrom<StreamName>("stdout", "stderr"),
      length: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: pageBytes })),
      /** Who reads then. */
      reads: fc.constantFrom<"nobody" | "lender" | "taker">("nobody", "lender", "taker"),
    });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 10, maxLength: 60 }), (pieces) => {
        const log = new OutputLog(200_000);
        const lender = log.open({ role: "writer" });
        const taker = log.open({ role: "viewer" });
        const [whole, lent, given]: [Buffer[], Buffer[], [number, Buffer][]] = [[], [], []];
        const copy = (item: LogItem): void => {
          // As a socket does: the copy is a page, and must not be the one that is lent.
          const page = takePage();
          if (item.type !== "data") return;
          lent.push(Buffer.from(page.subarray(0, item.bytes.copy(page))));
          givePage(page);
        };
        const lend = (): void => {
          while (lender.lend(copy));
        };
        const take = (): void => {
          for (let item = taker.take(); item !== undefined; item = taker.take()) {
            if (item.type === "data") given.push([item.offset, item.bytes]);
          }
        };
        for (const [n, { stream, length, reads }] of pieces.entries()) {
          const bytes = takePage().fill(n).subarray(0, length);
          whole.push(Buffer.from(bytes));
          log.append({ stream, bytes });
          if (reads === "lender") lend();
          if (reads === "taker") take();
        }
        lend();
        const all = Buffer.concat(whole);
        assert.ok(Buffer.concat(lent).equals(all));
        for (const [offset, bytes] of given) assert.ok(bytes.equals(all.subarray(offset, offset + bytes.length)));
      }),
      { numRuns: 200 },
    );
  });
});
