import assert from "node:assert/strict";
import { test } from "node:test";
import { acknowledging } from "../../src/client/acknowledging.ts";
import type { ConnectionHandlers } from "../../src/client/connection.ts";
import type { AttachedMessage } from "../../src/wire/codec.ts";

const attached = (offset: number, ackWindow: number) => ({ offset, ackWindow }) as AttachedMessage;
const output = (bytes: number) => ({ type: "output", stream: "stdout", bytes: new Uint8Array(bytes) }) as const;

function create(handlers: Partial<ConnectionHandlers> = {}) {
  const acks: number[] = [];
  return { acks, ...acknowledging({ output: () => undefined, ...handlers }, (bytes) => acks.push(bytes)) };
}

test("output is acknowledged when a quarter of the window is handled, counted from the session's start", () => {
  const client = create();
  client.attached?.(attached(1000, 400));
  for (let at = 0; at < 5; at++) client.output(output(60));
  assert.deepEqual(client.acks, [1120, 1240]);
});

test("what is not handled yet is not acknowledged", async () => {
  let finish = (): void => undefined;
  const client = create({ output: () => new Promise((resolve) => (finish = resolve)) });
  client.attached?.(attached(0, 400));
  const handling = client.output(output(200));
  assert.deepEqual(client.acks, []);
  finish();
  await handling;
  assert.deepEqual(client.acks, [200]);
});

test("what will never come is acknowledged with the rest", () => {
  const told: number[][] = [];
  const client = create({ gap: (from, to) => void told.push([from, to]) });
  client.attached?.(attached(0, 400));
  client.gap?.(0, 5000);
  assert.deepEqual([client.acks, told], [[5000], [[0, 5000]]]);
});

test("where nobody waits for it nothing is acknowledged", () => {
  const client = create();
  client.attached?.(attached(0, 0));
  client.output(output(1_000_000));
  assert.deepEqual(client.acks, []);
});
