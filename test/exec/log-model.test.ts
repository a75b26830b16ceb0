import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Cursor, LogItem } from "../../src/exec/cursor.ts";
import { OutputLog } from "../../src/exec/log.ts";
import type { StreamName } from "../../src/exec/runtime.ts";

/** What may be done to a log; `which` and `part` choose among what is there then. */
type Step =
  | { readonly do: "append"; readonly stream: StreamName; readonly size: number }
  | { readonly do: "open"; readonly role: "writer" | "viewer"; readonly part: number; readonly ackWindow: number | undefined }
  | { readonly do: "resize"; readonly cols: number }
  | { readonly do: "take" | "close"; readonly which: number }
  | { readonly do: "ack"; readonly which: number; readonly part: number };

const size = fc.oneof({ weight: 4, arbitrary: fc.nat(40) }, fc.nat(3000), fc.integer({ min: 4000, max: 9000 }));
const part = fc.double({ min: 0, max: 1, noNaN: true });
const stream = fc.constantFrom<StreamName>("stdout", "stderr");
const append: fc.Arbitrary<Step> = fc.record({ do: fc.constant("append"), stream, size });
const open: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("open"),
  role: fc.constantFrom("writer", "viewer"),
  part,
  ackWindow: fc.option(fc.integer({ min: 1, max: 12_000 }), { nil: undefined }),
});
const take: fc.Arbitrary<Step> = fc.record({ do: fc.constant("take"), which: fc.nat() });
const close: fc.Arbitrary<Step> = fc.record({ do: fc.constant("close"), which: fc.nat() });
const resize: fc.Arbitrary<Step> = fc.record({ do: fc.constant("resize"), cols: fc.integer({ min: 1, max: 500 }) });
const ack: fc.Arbitrary<Step> = fc.record({ do: fc.constant("ack"), which: fc.nat(), part });
const weighted = [
  { weight: 8, arbitrary: append },
  { weight: 2, arbitrary: open },
  { weight: 8, arbitrary: take },
  { weight: 3, arbitrary: ack },
  { weight: 2, arbitrary: resize },
  { weight: 1, arbitrary: close },
];
const step = fc.oneof(...weighted);

/** A reader of the model: where it is, and what it has told the log. */
interface Reader {
  readonly cursor: Cursor;
  readonly role: "writer" | "viewer";
  readonly ackWindow: number | undefined;
  at: number;
  acked: number;
  /** The number of the next change of size. */
  resize: number;
}

/** The log beside the simplest one that there can be: every byte, its stream, every size, and for each reader two numbers. */
class Model {
  readonly log: OutputLog;
  readonly #capacity: number;
  readonly #bytes: number[] = [];
  readonly #streams: StreamName[] = [];
  readonly #resizes: { readonly offset: number; readonly cols: number }[] = [];
  #readers: Reader[] = [];
  #largest = 0;

  constructor(capacity: number) {
    this.log = new OutputLog(capacity);
    this.#capacity = capacity;
  }

  run(step: Step): void {
    if (step.do === "append") this.append(step.stream, step.size);
    else if (step.do === "resize") this.#resize(step.cols);
    else if (step.do === "open") this.#open(step.role, step.part, step.ackWindow);
    else {
      const reader = this.#readers[step.which % this.#readers.length];
      if (reader === undefined) return;
      if (step.do === "take") this.#take(reader);
      else if (step.do === "ack") this.#ack(reader, reader.acked + Math.ceil(step.part * (reader.at + 1 - reader.acked)));
      else this.#close(reader);
    }
    this.#check();
  }

  append(stream: StreamName, size: number): void {
    const from = this.#bytes.length;
    for (let n = from; n < from + size; n++) {
      this.#bytes.push((n * 7 + (n >> 8)) & 255);
      this.#streams.push(stream);
    }
    this.log.append({ stream, bytes: Buffer.from(this.#bytes.slice(from)) });
    this.#largest = Math.max(this.#largest, size);
  }

  /** The memory of a log whose source waits for room; a page of small pieces may be on top. */
  checkBound(): void {
    assert.ok(this.log.cost <= this.#capacity + this.#largest + 512, `${this.log.cost} bytes are kept of ${this.#capacity}`);
  }

  /** Reads everybody to the end of the ended log. */
  async finish(): Promise<void> {
    this.log.endOutput();
    for (const reader of this.#readers) {
      while (reader.at < this.#bytes.length || reader.resize < this.#resizes.length) {
        this.#ack(reader, reader.at);
        this.#take(reader);
      }
      this.#ack(reader, reader.at);
      assert.equal(await reader.cursor.next(), undefined);
    }
  }

  #open(role: "writer" | "viewer", part: number, ackWindow: number | undefined): void {
    const offset = Math.floor(part * this.#bytes.length);
    const from = role === "writer" ? Math.max(offset, this.log.start) : offset;
    const cursor = this.log.open({ role, offset: from, ackWindow });
    this.#readers.push({
      cursor,
      role,
      ackWindow,
      at: from,
      acked: from,
      resize: this.#resizes.filter((mark) => mark.offset <= from).length,
    });
  }

  #resize(cols: number): void {
    this.#resizes.push({ offset: this.#bytes.length, cols });
    this.log.resized({ cols, rows: 1 }, "someone");
  }

  #take(reader: Reader): void {
    const isHeld = reader.ackWindow !== undefined && reader.at - reader.acked >= reader.ackWindow;
    const item = reader.cursor.take();
    const mark = this.#resizes[reader.resize];
    if (!isHeld && mark !== undefined && mark.offset <= reader.at) {
      assert.deepEqual(item, { type: "resized", size: { cols: mark.cols, rows: 1 }, by: "someone" });
      reader.resize++;
    } else if (isHeld || reader.at === this.#bytes.length) assert.equal(item, undefined);
    else this.#follow(reader, item);
    assert.equal(reader.cursor.offset, reader.at);
  }

  #follow(reader: Reader, item: LogItem | undefined): void {
    assert.ok(item !== undefined && item.type !== "resized");
    if (item.type === "gap") {
      assert.deepEqual([item.from, item.to], [reader.at, this.log.start]);
      assert.ok(reader.role === "viewer" && item.to > item.from);
      reader.at = item.to;
      reader.acked = Math.max(reader.acked, item.to);
      return;
    }
    const to = item.offset + item.bytes.length;
    assert.ok(item.offset === reader.at && to > reader.at);
    assert.ok(to <= (this.#resizes[reader.resize]?.offset ?? to), "no piece goes beyond a change of size");
    assert.deepEqual([...item.bytes], this.#bytes.slice(reader.at, to));
    assert.ok(this.#streams.slice(reader.at, to).every((stream) => stream === item.stream));
    reader.at = to;
  }

  #ack(reader: Reader, offset: number): void {
    assert.equal(reader.cursor.ack(offset), offset <= reader.at);
    if (offset <= reader.at) reader.acked = Math.max(reader.acked, offset);
  }

  #close(reader: Reader): void {
    reader.cursor.close();
    this.#readers = this.#readers.filter((other) => other !== reader);
    assert.equal(reader.cursor.take(), undefined);
  }

  #check(): void {
    assert.equal(this.log.end, this.#bytes.length);
    for (const reader of this.#readers) {
      if (reader.role === "writer") assert.ok(this.log.start <= (reader.ackWindow === undefined ? reader.at : reader.acked));
    }
    const total = (name: StreamName): number => this.#streams.filter((stream) => stream === name).length;
    assert.deepEqual(this.log.counts, { stdout: total("stdout"), stderr: total("stderr") });
  }
}

const capacity = fc.constantFrom(0, 1, 600, 5000, 20_000);

test("what any cursor is given, gaps included, is what was appended, whoever reads, acknowledges and leaves when", async () => {
  await fc.assert(
    fc.asyncProperty(capacity, fc.array(step, { maxLength: 120 }), async (kept, steps) => {
      const model = new Model(kept);
      for (const each of steps) model.run(each);
      await model.finish();
    }),
    { numRuns: 300 },
  );
});

test("a source that waits for room keeps the log within its capacity, one piece and nothing more", () => {
  fc.assert(
    fc.property(capacity, fc.array(step, { maxLength: 120 }), (kept, steps) => {
      const model = new Model(kept);
      for (const each of steps) {
        if (each.do === "append" && model.log.room() !== undefined) continue;
        model.run(each);
        model.checkBound();
      }
    }),
    { numRuns: 200 },
  );
});
