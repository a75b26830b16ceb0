import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import { pageBytes, takePage } from "../../src/exec/pages.ts";
import { FramePages } from "../../src/server/frame-pages.ts";

describe("the pages of frames", () => {
  // No page of another test is there to be taken.
  beforeEach(() => void Array.from({ length: 100 }, takePage));

  test("are one page for whoever takes each frame before the next is made", () => {
    const pages = new FramePages();
    const seen = new Set<ArrayBufferLike>();
    for (let n = 0; n < 1000; n++) {
      const frame = pages.allocate(1 + ((n * 7919) % (pageBytes + 1)));
      seen.add(frame.buffer);
      pages.free(frame);
    }
    assert.equal(seen.size, 1);
  });

  test("have room for the frame of a whole page, and leave what is larger to the garbage collector", () => {
    const pages = new FramePages();
    const [fitting, larger] = [pages.allocate(pageBytes + 1), pages.allocate(1_000_000)];
    assert.deepEqual([fitting.length, larger.length], [pageBytes + 1, 1_000_000]);
    pages.free(larger);
    pages.free(fitting);
    assert.equal(takePage().buffer, fitting.buffer);
  });

  test("leave memory alone that is not theirs", () => {
    const pages = new FramePages();
    const page = takePage();
    pages.free(page);
    assert.notEqual(takePage().buffer, page.buffer);
  });

  test("never hold two frames in one place, in whichever order they are taken", () => {
    const step = fc.record({ length: fc.integer({ min: 1, max: pageBytes + 1 }), takes: fc.array(fc.nat(), { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pages = new FramePages();
        const underWay: { frame: Buffer; n: number }[] = [];
        for (const [n, { length, takes }] of steps.entries()) {
          underWay.push({ frame: pages.allocate(length).fill(n), n });
          for (const at of takes) {
            const [one] = underWay.splice(at % Math.max(1, underWay.length), 1);
            if (one === undefined) continue;
            assert.ok(one.frame.every((byte) => byte === one.n));
            pages.free(one.frame);
          }
        }
        for (const { frame, n } of underWay) assert.ok(frame.every((byte) => byte === n));
      }),
      { numRuns: 100 },
    );
  });
});
