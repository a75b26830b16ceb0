import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Cursor, LogItem } from "../../src/exec/cursor.ts";
import { OutputLog } from "../../src/exec/log.ts";
import type { StreamName } from "../../src/exec/runtime.ts";
import { settled } from "../fixtures/clock.ts";

function logOf(capacity: number, ...pieces: readonly (string | number)[]): OutputLog {
  const log = new OutputLog(capacity);
  for (const piece of pieces) add(log, piece);
  return log;
}

/** Appends a text, or so many bytes. */
function add(log: OutputLog, piece: string | number, stream: StreamName = "stdout"): void {
  log.append({ stream, bytes: typeof piece === "string" ? Buffer.from(piece) : Buffer.alloc(piece, 120) });
}

/** An item as a short text: `stdout@0:hi`, `gap 0-4` or `80x24`. */
function told(item: LogItem | undefined): string | undefined {
  if (item === undefined) return undefined;
  if (item.type === "resized") return `${item.size.cols}x${item.size.rows}`;
  return item.type === "gap" ? `gap ${item.from}-${item.to}` : `${item.stream}@${item.offset}:${item.bytes}`;
}

function takeAll(cursor: Cursor): string[] {
  const items: string[] = [];
  for (let item = cursor.take(); item !== undefined; item = cursor.take()) items.push(told(item) as string);
  return items;
}

/** The length of each item, a gap's as a negative number. */
function lengths(cursor: Cursor): number[] {
  const all: number[] = [];
  for (let item = cursor.take(); item !== undefined; item = cursor.take())
    all.push(item.type === "data" ? item.bytes.length : item.type === "gap" ? item.from - item.to : 0);
  return all;
}

/** Bytes that the process holds on its heap and in buffers, garbage aside. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe("the numbers of a log", () => {
  test("count stdout and stderr together, from 0, in the order of reading", () => {
    const log = logOf(1000);
    add(log, "one");
    add(log, "two!", "stderr");
    add(log, "three");
    assert.deepEqual(takeAll(log.open({ role: "viewer" })), ["stdout@0:one", "stderr@3:two!", "stdout@7:three"]);
    assert.equal(log.end, 12);
    assert.deepEqual(log.counts, { stdout: 8, stderr: 4 });
  });

  test("do not change by an empty piece", () => {
    const log = logOf(1000, "", "a", "");
    assert.deepEqual([log.start, log.end], [0, 1]);
    assert.deepEqual(takeAll(log.open({ role: "viewer" })), ["stdout@0:a"]);
  });

  test("let a cursor begin in the middle of a piece", () => {
    const log = logOf(1000, "abcdef");
    assert.deepEqual(takeAll(log.open({ role: "viewer", offset: 4 })), ["stdout@4:ef"]);
  });

  test("let a cursor that wants more than there is begin at the end", () => {
    const log = logOf(1000, "abc");
    const cursor = log.open({ role: "viewer", offset: 99 });
    assert.equal(cursor.offset, 3);
    add(log, "d");
    assert.deepEqual(takeAll(cursor), ["stdout@3:d"]);
  });

  test("give a cursor without a wish the oldest that is kept", () => {
    const log = logOf(10_000, 5000, 5000, 5000);
    assert.equal(log.open({ role: "viewer" }).offset, log.start);
    assert.notEqual(log.start, 0);
  });
});

describe("small pieces", () => {
  test("of one stream become one item", () => {
    const log = logOf(1000, "a", "b", "c");
    assert.deepEqual(takeAll(log.open({ role: "viewer" })), ["stdout@0:abc"]);
  });

  test("that were handed out are not changed by those that follow them", () => {
    const log = logOf(1000, "a");
    const cursor = log.open({ role: "viewer" });
    const first = cursor.take();
    add(log, "b");
    assert.equal(told(first), "stdout@0:a");
    assert.deepEqual(takeAll(cursor), ["stdout@1:b"]);
  });

  test("are copied, so that the log holds nothing of the buffer they came in", () => {
    const log = new OutputLog(1000);
    const bytes = Buffer.from("abc");
    log.append({ stream: "stdout", bytes });
    bytes.fill("x");
    assert.deepEqual(takeAll(log.open({ role: "viewer" })), ["stdout@0:abc"]);
  });

  test("between large ones keep their place", () => {
    const log = logOf(100_000, "a", 5000, "b", 5000, "c");
    assert.deepEqual(lengths(log.open({ role: "viewer" })), [1, 5000, 1, 5000, 1]);
    assert.deepEqual(takeAll(log.open({ role: "viewer", offset: 5001 }))[0], "stdout@5001:b");
  });

  for (const [name, stream] of [
    ["of alternating streams", (n: number): StreamName => (n % 2 === 0 ? "stdout" : "stderr")],
    ["of one stream", (): StreamName => "stdout"],
  ] as const) {
    test(`of one byte, a MiB of them ${name}, take little more memory than the capacity`, () => {
      const before = heldBytes();
      const log = new OutputLog(1024 * 1024);
      for (let n = 0; n < 1024 * 1024; n++) log.append({ stream: stream(n), bytes: Buffer.from([n & 255]) });
      const heldMiB = (heldBytes() - before) / 1024 / 1024;
      assert.equal(log.end, 1024 * 1024);
      assert.ok(heldMiB < 3, `${heldMiB.toFixed(1)} MiB are held`);
    });
  }

  test("between large ones take little more memory than the capacity", () => {
    const before = heldBytes();
    const log = new OutputLog(1024 * 1024);
    for (let n = 0; n < 1000; n++) {
      add(log, 4096);
      add(log, 1);
    }
    const heldMiB = (heldBytes() - before) / 1024 / 1024;
    assert.ok(log.start > 0 && heldMiB < 2, `${heldMiB.toFixed(1)} MiB are held`);
  });

  test("leave an idle log small", () => {
    const before = heldBytes();
    const logs = Array.from({ length: 1000 }, () => logOf(1024 * 1024, "$ "));
    const heldBytesEach = (heldBytes() - before) / logs.length;
    assert.ok(heldBytesEach < 3000, `${heldBytesEach} bytes are held by each`);
  });
});

describe("eviction", () => {
  test("keeps what fits the capacity, overhead included, and no more", () => {
    const log = logOf(20_000, ...Array.from({ length: 50 }, () => 4500));
    assert.equal(log.end - log.start, 4 * 4500);
    assert.ok(log.cost <= 20_000);
  });

  test("lets go of the memory at once", () => {
    const before = heldBytes();
    const log = new OutputLog(1024 * 1024);
    for (let n = 0; n < 24; n++) {
      add(log, 128 * 1024);
      assert.ok(heldBytes() - before < 1.2 * 1024 * 1024, `after ${n + 1} pieces`);
    }
    assert.ok(log.start > 0);
  });

  test("never takes what a writer still needs", () => {
    const log = logOf(10_000);
    const writer = log.open({ role: "writer" });
    for (let n = 0; n < 10; n++) add(log, 5000);
    assert.equal(log.start, 0);
    assert.deepEqual(lengths(writer), Array(10).fill(5000));
    add(log, 5000);
    assert.equal(log.end - log.start, 5000);
  });

  test("never takes what a writer has not acknowledged yet", () => {
    const log = logOf(10_000);
    const writer = log.open({ role: "writer", ackWindow: 1_000_000 });
    for (let n = 0; n < 10; n++) add(log, 5000);
    assert.deepEqual(lengths(writer), Array(10).fill(5000));
    add(log, 5000);
    assert.equal(log.start, 0);
    assert.equal(writer.ack(25_000), true);
    add(log, 5000);
    assert.equal(log.start, 25_000);
  });

  test("takes no notice of viewers, who get the exact gap", () => {
    const log = logOf(10_000);
    const viewer = log.open({ role: "viewer" });
    for (let n = 0; n < 5; n++) add(log, 4500);
    assert.deepEqual(lengths(viewer), [-13_500, 4500, 4500]);
  });

  test("that goes over a viewer in the middle of a piece tells what of it is missing", () => {
    const log = logOf(10_000, 4500);
    const viewer = log.open({ role: "viewer", offset: 100 });
    for (let n = 0; n < 5; n++) add(log, 4500);
    assert.equal(told(viewer.take()), "gap 100-18000");
  });

  test("of a capacity of 0 keeps nothing but what a writer waits for", () => {
    const log = logOf(0, "abc");
    assert.deepEqual([log.start, log.end, log.cost], [3, 3, 0]);
    const writer = log.open({ role: "writer" });
    add(log, "d");
    assert.notEqual(log.room(), undefined);
    assert.deepEqual(takeAll(writer), ["stdout@3:d"]);
    assert.equal(log.room(), undefined);
  });

  test("by drop leaves a gap up to the end, and the log goes on", () => {
    const log = logOf(1000, "abc");
    const viewer = log.open({ role: "viewer" });
    log.drop();
    assert.equal(log.cost, 0);
    add(log, "d");
    assert.deepEqual(takeAll(viewer), ["gap 0-3", "stdout@3:d"]);
  });
});

describe("room", () => {
  test("is there while nobody reads, however much is appended", () => {
    const log = logOf(10_000);
    log.open({ role: "viewer" });
    for (let n = 0; n < 10; n++) {
      add(log, 5000);
      assert.equal(log.room(), undefined);
    }
  });

  for (const [name, free] of [
    ["reads on", (writer: Cursor) => void writer.take()],
    ["leaves", (writer: Cursor) => writer.close()],
  ] as const) {
    test(`is waited for until the slowest writer ${name}`, async () => {
      const log = logOf(10_000);
      const slow = log.open({ role: "writer" });
      const quick = log.open({ role: "writer" });
      add(log, 6000);
      assert.equal(log.room(), undefined);
      add(log, 6000);
      let isThere = false;
      void log.room()?.then(() => {
        isThere = true;
      });
      lengths(quick);
      await settled();
      assert.equal(isThere, false);
      free(slow);
      await settled();
      assert.equal(isThere, true);
    });
  }

  test("comes with the ack, not with the handing out, for a writer that acknowledges", async () => {
    const log = logOf(5000);
    const writer = log.open({ role: "writer", ackWindow: 100_000 });
    add(log, 6000);
    const room = log.room();
    assert.notEqual(room, undefined);
    writer.take();
    assert.notEqual(log.room(), undefined);
    const later = log.room();
    writer.ack(5999);
    assert.notEqual(log.room(), undefined);
    writer.ack(6000);
    assert.equal(log.room(), undefined);
    void later;
  });

  test("bounds the memory by the capacity and one piece when the source waits for it", () => {
    const log = logOf(10_000);
    log.open({ role: "writer" });
    while (log.room() === undefined) add(log, 3000, log.end % 2 === 0 ? "stdout" : "stderr");
    assert.ok(log.cost < 10_000 + 3000 + 512);
  });
});

describe("the ack window", () => {
  test("holds a cursor once it is handed out, until an ack", () => {
    const log = logOf(100_000, 5000, 5000, 5000);
    const cursor = log.open({ role: "writer", ackWindow: 10_000 });
    assert.deepEqual(lengths(cursor), [5000, 5000]);
    assert.equal(cursor.take(), undefined);
    assert.equal(cursor.ack(1), true);
    assert.deepEqual(lengths(cursor), [5000]);
  });

  test("is overdrawn by less than one piece", () => {
    const log = logOf(100_000, 5000, 5000, 5000);
    const cursor = log.open({ role: "viewer", ackWindow: 5001 });
    assert.deepEqual(lengths(cursor), [5000, 5000]);
    assert.equal(cursor.take(), undefined);
  });

  test("refuses an ack of what was never handed out, and takes an old one as nothing", () => {
    const log = logOf(100_000, 5000, 5000);
    const cursor = log.open({ role: "writer", ackWindow: 5000 });
    cursor.take();
    assert.equal(cursor.ack(5001), false);
    assert.equal(cursor.take(), undefined);
    assert.equal(cursor.ack(5000), true);
    cursor.take();
    assert.equal(cursor.ack(10), true);
    assert.equal(cursor.take(), undefined);
  });

  test("counts from where the cursor began", () => {
    const log = logOf(100_000, 5000, 5000);
    const cursor = log.open({ role: "writer", offset: 5000, ackWindow: 100 });
    assert.deepEqual(lengths(cursor), [5000]);
  });

  test("does not count a gap", () => {
    const log = logOf(10_000, 5000, 5000, 5000);
    const cursor = log.open({ role: "viewer", offset: 0, ackWindow: 100 });
    assert.deepEqual(lengths(cursor), [-log.start, log.end - log.start]);
  });

  test("lets next go on by an ack", async () => {
    const log = logOf(100_000, 5000, "rest");
    const cursor = log.open({ role: "writer", ackWindow: 5000 });
    await cursor.next();
    const next = cursor.next();
    log.endOutput();
    await settled();
    cursor.ack(5000);
    assert.equal(told(await next), "stdout@5000:rest");
    assert.equal(await cursor.next(), undefined);
  });
});

describe("next", () => {
  test("waits for what is appended", async () => {
    const log = logOf(1000);
    const cursor = log.open({ role: "viewer" });
    const next = cursor.next();
    add(log, "a");
    assert.equal(told(await next), "stdout@0:a");
  });

  test("gives what is left after the end, then undefined for ever", async () => {
    const log = logOf(1000, "a");
    log.endOutput();
    const cursor = log.open({ role: "viewer" });
    assert.equal(told(await cursor.next()), "stdout@0:a");
    assert.equal(await cursor.next(), undefined);
    assert.equal(await cursor.next(), undefined);
  });

  test("that waits is ended by the end of the output", async () => {
    const log = logOf(1000);
    const next = log.open({ role: "viewer" }).next();
    log.endOutput();
    assert.equal(await next, undefined);
  });

  test("that waits is ended by close, and nothing comes after", async () => {
    const log = logOf(1000);
    const cursor = log.open({ role: "writer" });
    const next = cursor.next();
    cursor.close();
    cursor.close();
    assert.equal(await next, undefined);
    add(log, "a");
    assert.equal(cursor.take(), undefined);
    assert.equal(await cursor.next(), undefined);
  });

  test("leaves nothing behind by waiting: a hundred thousand turns hold no memory", async () => {
    const log = logOf(1000);
    const cursor = log.open({ role: "viewer" });
    const turn = async (): Promise<void> => {
      const next = cursor.next();
      add(log, "x");
      await next;
    };
    for (let n = 0; n < 1000; n++) await turn();
    const before = heldBytes();
    for (let n = 0; n < 100_000; n++) await turn();
    const held = heldBytes() - before;
    assert.ok(held < 5_000_000, `${held} bytes are held`);
  });

  test("of many cursors is woken for each of them", async () => {
    const log = logOf(1000);
    const cursors = Array.from({ length: 5 }, () => log.open({ role: "viewer" }));
    const all = Promise.all(cursors.map((cursor) => cursor.next()));
    add(log, "a");
    assert.deepEqual((await all).map(told), Array(5).fill("stdout@0:a"));
  });
});
