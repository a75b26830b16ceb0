import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Session } from "../../src/exec/session.ts";
import { Incoming } from "../../src/server/incoming.ts";

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
    const incoming = new Incoming(session, "client", noEvents);
    incoming.open();
    const sent = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251));
    for (let i = 0; i < sent.length; i++) incoming.stdin(sent.subarray(i, i + 1));
    await release();
    assert.deepEqual(Buffer.concat(taken), sent);
    assert.ok(taken.length <= 5, `${taken.length} writes`);
  });

  it("keeps its order where small and large pieces follow each other", async () => {
    const { session, taken, release } = createStubbornSession();
    const incoming = new Incoming(session, "client", noEvents);
    incoming.open();
    const pieces = [1, 5000, 3, 4, 1024, 7, 4000, 96, 97].map((length, i) => Buffer.alloc(length, i));
    for (const piece of pieces) incoming.stdin(piece);
    await release();
    assert.deepEqual(Buffer.concat(taken), Buffer.concat(pieces));
  });

  it("ends once, and nothing comes behind the end", async () => {
    const { session, taken, release, ends } = createStubbornSession();
    const incoming = new Incoming(session, "client", noEvents);
    incoming.open();
    incoming.stdin(Buffer.from("last"));
    incoming.eof();
    incoming.eof();
    incoming.stdin(Buffer.from("late"));
    await release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([Buffer.concat(taken).toString(), ends()], ["last", 1]);
  });
});
