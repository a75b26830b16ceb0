import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StdinQueue } from "../../src/client/stdin-queue.ts";
import { type Client, Clients } from "../../src/exec/clients.ts";
import { stdinWindow } from "../../src/exec/input.ts";
import { OutputLog } from "../../src/exec/log.ts";
import type { ClientMessage } from "../../src/wire/codec.ts";
import { FakeClock, settled } from "../fixtures/clock.ts";

type Down =
  | { readonly type: "attached"; readonly offset: number; readonly stdinOffset: number }
  | { readonly type: "output"; readonly bytes: Buffer }
  | { readonly type: "gap"; readonly to: number }
  | { readonly type: "accepted"; readonly bytes: number };

const capacity = 2000;
const ackWindow = 1000;
const principal = "user:me";

/** The byte that stands at a place of a stream. */
const byteAt = (n: number): number => (n * 31 + (n >> 8)) & 255;
const bytesFrom = (from: number, size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, n) => byteAt(from + n)));

/** A session and one client of it, with wires between that lose what is on them when they are cut. */
class World {
  readonly #log = new OutputLog(capacity);
  readonly #taken: number[] = [];
  readonly #clients: Clients;
  readonly #queue = new StdinQueue((message) => this.#up.push(message));
  /** What the command does with its stdin: takes it, or lets the session wait. */
  #isReading = true;
  #waiting: (() => void)[] = [];
  #up: ClientMessage[] = [];
  #down: Down[] = [];
  #client: Client | undefined;
  #id: string | undefined;
  #typed = 0;
  #received = 0;
  #isAttached = false;
  #isEnded = false;

  constructor() {
    const input = {
      write: async (bytes: Uint8Array) => {
        this.#taken.push(...bytes);
        if (!this.#isReading) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      },
      endInput: async () => {
        this.#isEnded = true;
      },
      resize: async () => undefined,
    };
    const deps = { log: this.#log, clock: new FakeClock(), input, keepMs: 1000, clientsMax: 10 };
    this.#clients = new Clients({ ...deps, onEmpty: () => assert.fail("nobody lets the time go by") });
    this.back();
  }

  output(size: number): void {
    if (this.#log.room() === undefined) this.#log.append({ stream: "stdout", bytes: bytesFrom(this.#log.end, size) });
  }

  type(size: number): void {
    void this.#queue.write(bytesFrom(this.#typed, size));
    this.#typed += size;
  }

  read(isReading: boolean): void {
    this.#isReading = isReading;
    if (isReading) for (const go of this.#waiting.splice(0)) go();
  }

  /** The server puts the next piece of output on the wire. */
  serve(): void {
    const item = this.#client?.cursor.take();
    if (item?.type === "data") this.#down.push({ type: "output", bytes: Buffer.from(item.bytes) });
    else if (item?.type === "gap") this.#down.push({ type: "gap", to: item.to });
  }

  deliverUp(): void {
    const message = this.#up.shift();
    if (this.#client === undefined || message === undefined) return;
    if (message.type === "stdin") this.#client.input.stdin(message.bytes);
    else if (message.type === "eof") this.#client.input.eof();
    else if (message.type === "ack") assert.ok(this.#client.cursor.ack(message.bytes), "what is acknowledged was sent");
  }

  deliverDown(): void {
    const message = this.#down.shift();
    if (message === undefined) return;
    if (message.type === "attached") {
      assert.equal(message.offset, this.#received);
      this.#isAttached = true;
      this.#queue.open(message.stdinOffset, stdinWindow);
    } else if (message.type === "accepted") this.#queue.accept(message.bytes);
    else if (message.type === "gap") assert.fail("who is waited for loses nothing");
    else {
      assert.deepEqual(message.bytes, bytesFrom(this.#received, message.bytes.length));
      this.#received += message.bytes.length;
    }
  }

  ack(): void {
    if (this.#isAttached) this.#up.push({ type: "ack", bytes: this.#received });
  }

  cut(): void {
    [this.#up, this.#down] = [[], []];
    this.#isAttached = false;
    this.#queue.suspend();
    this.#client?.lose();
    this.#client = undefined;
  }

  /** The client dials; the server may not have noticed the loss of the last connection. */
  back(): void {
    [this.#up, this.#down] = [[], []];
    this.#isAttached = false;
    this.#queue.suspend();
    const events = { accepted: (bytes: number) => void this.#down.push({ type: "accepted", bytes }) };
    this.#client = this.#clients.attach({ principal, role: "writer", client: this.#id, offset: this.#received, ackWindow, events });
    this.#id = this.#client.id;
    this.#client.input.open();
    this.#down.push({ type: "attached", offset: this.#client.cursor.offset, stdinOffset: this.#client.stdinOffset });
  }

  /** Lets everything arrive that is still to come, and compares. */
  async finish(): Promise<void> {
    this.read(true);
    void this.#queue.write(undefined);
    this.back();
    for (let idle = 0; idle < 3; idle++) {
      this.serve();
      this.ack();
      while (this.#up.length + this.#down.length > 0) {
        if (this.#up.some(({ type }) => type !== "ack") || this.#down.length > 0) idle = 0;
        this.deliverUp();
        this.deliverDown();
        await settled();
      }
      await settled();
    }
    assert.equal(this.#received, this.#log.end);
    assert.equal(this.#taken.length, this.#typed);
    assert.ok(this.#taken.every((byte, n) => byte === byteAt(n)));
    assert.ok(this.#isEnded);
  }
}

type Step =
  | { readonly do: "output" | "type"; readonly size: number }
  | { readonly do: Exclude<keyof World, "output" | "type" | "read" | "finish"> }
  | { readonly do: "read"; readonly on: boolean };

const plain = (name: "serve" | "deliverUp" | "deliverDown" | "ack" | "cut" | "back") => fc.constant<Step>({ do: name });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("output" as const), size: fc.integer({ min: 1, max: 700 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("type" as const), size: fc.integer({ min: 1, max: 3000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("read" as const), on: fc.boolean() }) },
  { weight: 8, arbitrary: plain("serve") },
  { weight: 10, arbitrary: plain("deliverUp") },
  { weight: 12, arbitrary: plain("deliverDown") },
  { weight: 4, arbitrary: plain("ack") },
  { weight: 2, arbitrary: plain("cut") },
  { weight: 2, arbitrary: plain("back") },
);

test("whenever the wire is cut and whoever notices first, output and input arrive once each and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150 }), async (steps) => {
      const world = new World();
      for (const each of steps) {
        if (each.do === "output" || each.do === "type") world[each.do](each.size);
        else if (each.do === "read") world.read(each.on);
        else world[each.do]();
        await settled();
      }
      await world.finish();
    }),
    { numRuns: 150 },
  );
});
