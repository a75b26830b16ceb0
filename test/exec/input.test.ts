import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClientInput, type InputSink, stdinWindow } from "../../src/exec/input.ts";
import { FakeClock } from "../fixtures/clock.ts";

/** A session that takes a piece only when it is told to, and notes what it was given: no real one can be made to stop between two pieces. */
function createStubbornSession() {
  const taken: Buffer[] = [];
  const waiting: (() => void)[] = [];
  let ends = 0;
  const session = {
    write: (bytes: Uint8Array) => {
      taken.push(Buffer.from(bytes));
      return new Promise<void>((resolve) => waiting.push(resolve));
    },
    endInput: async () => {
      ends++;
    },
    resize: async () => undefined,
  } satisfies InputSink;
  const release = async (): Promise<void> => {
    do {
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    } while (waiting.length > 0);
  };
  return { session, taken, release, ends: () => ends };
}

describe("what a client sends", () => {
  it("is put together while it waits, and arrives as it was sent", async () => {
    const { session, taken, release } = createStubbornSession();
    const input = new ClientInput(session, "client", new FakeClock());
    input.open();
    const sent = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251));
    for (let i = 0; i < sent.length; i++) input.stdin(sent.subarray(i, i + 1));
    await release();
    assert.deepEqual(Buffer.concat(taken), sent);
    assert.ok(taken.length <= 5, `${taken.length} writes`);
  });

  it("keeps its order where small and large pieces follow each other", async () => {
    const { session, taken, release } = createStubbornSession();
    const input = new ClientInput(session, "client", new FakeClock());
    input.open();
    const pieces = [1, 5000, 3, 4, 1024, 7, 4000, 96, 97].map((length, i) => Buffer.alloc(length, i));
    for (const piece of pieces) input.stdin(piece);
    await release();
    assert.deepEqual(Buffer.concat(taken), Buffer.concat(pieces));
  });

  it("goes on behind a size that could not be set", async () => {
    const { session, taken, release } = createStubbornSession();
    const failures: unknown[] = [];
    const resize = () => Promise.reject(new Error("the daemon is away"));
    const input = new ClientInput({ ...session, resize }, "client", new FakeClock());
    input.connect({ failed: (cause) => void failures.push(cause) });
    input.open();
    input.resize({ cols: 100, rows: 30 });
    input.stdin(Buffer.from("typed"));
    await release();
    assert.deepEqual([Buffer.concat(taken).toString(), failures], ["typed", []]);
  });

  it("ends once, and nothing comes behind the end", async () => {
    const { session, taken, release, ends } = createStubbornSession();
    const input = new ClientInput(session, "client", new FakeClock());
    input.open();
    input.stdin(Buffer.from("last"));
    input.eof();
    input.eof();
    input.stdin(Buffer.from("late"));
    await release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([Buffer.concat(taken).toString(), ends()], ["last", 1]);
  });

  it("of sizes that come in a storm is the last one, now and then", async () => {
    const clock = new FakeClock();
    const sizes: number[] = [];
    const session = { resize: async ({ cols }: { cols: number }) => void sizes.push(cols) } as unknown as InputSink;
    const input = new ClientInput(session, "client", clock);
    input.open();
    for (let ms = 1; ms <= 300; ms++) {
      input.resize({ cols: ms, rows: 24 });
      await clock.advance(1);
    }
    await clock.runOut();
    assert.equal(sizes[0], 1, "the first is not held up");
    assert.equal(sizes.at(-1), 300);
    assert.ok(sizes.length <= 22, `${sizes.length} of 300 were applied`);
  });

  it("is sized before the stdin that follows, however soon that comes", async () => {
    const { session: stubborn, release } = createStubbornSession();
    const order: unknown[] = [];
    const session = {
      resize: async ({ cols }: { cols: number }) => void order.push(cols),
      write: (bytes: Uint8Array) => {
        order.push(Buffer.from(bytes).toString());
        return stubborn.write(bytes);
      },
    } as unknown as InputSink;
    const input = new ClientInput(session, "client", new FakeClock());
    input.open();
    input.resize({ cols: 100, rows: 24 });
    input.resize({ cols: 101, rows: 24 });
    input.stdin(Buffer.from("a"));
    await release();
    input.resize({ cols: 102, rows: 24 });
    input.stdin(Buffer.from("b"));
    await release();
    assert.deepEqual(order, [101, "a", 102, "b"]);
  });
});

describe("what a client sends by a second connection", () => {
  it("goes on behind what was taken, whether or not that is accepted yet, and takes the place of what only waited", async () => {
    const { session, taken, release } = createStubbornSession();
    const input = new ClientInput(session, "client", new FakeClock());
    input.connect({});
    input.open();
    await release();
    input.stdin(Buffer.alloc(2000, "a"));
    input.stdin(Buffer.alloc(2000, "b"));
    input.eof();
    await new Promise((resolve) => setImmediate(resolve));
    input.disconnect();
    assert.equal(input.connect({}), 2000);
    input.stdin(Buffer.alloc(2000, "B"));
    await release();
    assert.deepEqual(Buffer.concat(taken).toString(), "a".repeat(2000) + "B".repeat(2000));
    assert.equal(input.connect({}), 4000);
  });

  it("may be as much beyond what was taken as by the first, although that is not accepted yet", async () => {
    const { session } = createStubbornSession();
    const input = new ClientInput(session, "client", new FakeClock());
    input.connect({});
    input.open();
    input.stdin(Buffer.alloc(200_000));
    await new Promise((resolve) => setImmediate(resolve));
    const credits: boolean[] = [];
    assert.equal(input.connect({ credit: (isWithin) => void credits.push(isWithin) }), 200_000);
    for (let sent = 0; sent < stdinWindow; sent += 1024) input.stdin(Buffer.alloc(1024));
    assert.deepEqual(credits, []);
    input.stdin(Buffer.alloc(1));
    assert.deepEqual(credits, [false]);
  });

  it("is not needed for what was sent by the first", async () => {
    const { session, taken, release, ends } = createStubbornSession();
    const input = new ClientInput(session, "client", new FakeClock());
    input.open();
    for (const text of ["a", "b"]) input.stdin(Buffer.alloc(2000, text));
    input.eof();
    input.disconnect();
    await release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([Buffer.concat(taken).length, ends()], [4000, 1]);
    assert.equal(input.connect({}), 4000);
    input.eof();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ends(), 1, "an end that was taken is not taken again");
  });
});
