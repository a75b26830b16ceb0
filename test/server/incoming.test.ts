import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Session } from "../../src/exec/session.ts";
import { Incoming } from "../../src/server/incoming.ts";
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
  } as unknown as Session;
  const release = async (): Promise<void> => {
    do {
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    } while (waiting.length > 0);
  };
  return { session, taken, release, ends: () => ends };
}

const noEvents = { accepted: () => undefined, credit: () => undefined, failed: assert.fail };

describe("what a client sends", () => {
  it("is put together while it waits, and arrives as it was sent", async () => {
    const { session, taken, release } = createStubbornSession();
    const incoming = new Incoming(session, "client", new FakeClock(), noEvents);
    incoming.open();
    const sent = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251));
    for (let i = 0; i < sent.length; i++) incoming.stdin(sent.subarray(i, i + 1));
    await release();
    assert.deepEqual(Buffer.concat(taken), sent);
    assert.ok(taken.length <= 5, `${taken.length} writes`);
  });

  it("keeps its order where small and large pieces follow each other", async () => {
    const { session, taken, release } = createStubbornSession();
    const incoming = new Incoming(session, "client", new FakeClock(), noEvents);
    incoming.open();
    const pieces = [1, 5000, 3, 4, 1024, 7, 4000, 96, 97].map((length, i) => Buffer.alloc(length, i));
    for (const piece of pieces) incoming.stdin(piece);
    await release();
    assert.deepEqual(Buffer.concat(taken), Buffer.concat(pieces));
  });

  it("ends once, and nothing comes behind the end", async () => {
    const { session, taken, release, ends } = createStubbornSession();
    const incoming = new Incoming(session, "client", new FakeClock(), noEvents);
    incoming.open();
    incoming.stdin(Buffer.from("last"));
    incoming.eof();
    incoming.eof();
    incoming.stdin(Buffer.from("late"));
    await release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([Buffer.concat(taken).toString(), ends()], ["last", 1]);
  });

  it("of sizes that come in a storm is the last one, now and then", async () => {
    const clock = new FakeClock();
    const sizes: number[] = [];
    const session = { resize: async ({ cols }: { cols: number }) => void sizes.push(cols) } as unknown as Session;
    const incoming = new Incoming(session, "client", clock, noEvents);
    incoming.open();
    for (let ms = 1; ms <= 300; ms++) {
      incoming.resize({ cols: ms, rows: 24 });
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
    } as unknown as Session;
    const incoming = new Incoming(session, "client", new FakeClock(), noEvents);
    incoming.open();
    incoming.resize({ cols: 100, rows: 24 });
    incoming.resize({ cols: 101, rows: 24 });
    incoming.stdin(Buffer.from("a"));
    await release();
    incoming.resize({ cols: 102, rows: 24 });
    incoming.stdin(Buffer.from("b"));
    await release();
    assert.deepEqual(order, [101, "a", 102, "b"]);
  });
});
