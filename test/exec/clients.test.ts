import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ClientOptions, Clients } from "../../src/exec/clients.ts";
import { OutputLog } from "../../src/exec/log.ts";
import { FakeClock } from "../fixtures/clock.ts";

const writer: ClientOptions = { principal: "user:me", role: "writer" };
const viewer: ClientOptions = { principal: "user:me", role: "viewer" };

function createClients({ capacity = 1000, keepMs = 0, clientsMax = 100 } = {}) {
  const log = new OutputLog(capacity);
  const clock = new FakeClock();
  const events: string[] = [];
  const taken: string[] = [];
  const input = {
    write: async (bytes: Uint8Array) => void taken.push(Buffer.from(bytes).toString()),
    endInput: async () => void taken.push("end"),
    resize: async () => undefined,
  };
  const clients = new Clients({ log, clock, input, keepMs, clientsMax, onEmpty: (reason) => events.push(`empty ${reason}`) });
  return { log, clock, clients, events, taken };
}

describe("clients of a session", () => {
  test("leave it empty when the last writer goes, at once where it is not kept", () => {
    const { clients, events } = createClients();
    const one = clients.attach(writer);
    const two = clients.attach(writer);
    one.leave();
    assert.deepEqual(events, []);
    two.leave();
    assert.deepEqual(events, ["empty disconnect"]);
  });

  test("leave it empty when none has come back in time", async () => {
    const { clients, events, clock } = createClients({ keepMs: 1000 });
    clients.attach(writer).lose();
    await clock.advance(999);
    const back = clients.attach(writer);
    await clock.advance(2000);
    back.leave("slow");
    await clock.advance(999);
    assert.deepEqual(events, []);
    await clock.advance(1);
    assert.deepEqual(events, ["empty slow"]);
  });

  test("that only watch neither keep a session nor end it", () => {
    const { clients, events } = createClients();
    const early = clients.attach(viewer);
    early.leave("slow");
    assert.deepEqual(events, []);
    const last = clients.attach(writer);
    const late = clients.attach(viewer);
    last.leave();
    late.leave();
    assert.deepEqual(events, ["empty disconnect"]);
  });

  test("leave once, for the reason that they name first", () => {
    const { clients, events } = createClients();
    const client = clients.attach(writer);
    client.leave("slow");
    client.lose("client");
    assert.deepEqual([events, clients.members], [["empty slow"], []]);
  });

  test("read from the place that they name", async () => {
    const { log, clients } = createClients();
    log.append({ stream: "stdout", bytes: Buffer.from("abcdef") });
    const item = await clients.attach({ ...viewer, offset: 3 }).cursor.next();
    assert.ok(item?.type === "data");
    assert.equal(item.bytes.toString(), "def");
  });

  test("that leave no longer hold the source back, and what they waited for ends", async () => {
    const { log, clients } = createClients({ capacity: 100 });
    const client = clients.attach(writer);
    log.append({ stream: "stdout", bytes: Buffer.alloc(5000) });
    const room = log.room();
    assert.ok(room);
    await client.cursor.next();
    const next = client.cursor.next();
    client.leave();
    await room;
    assert.equal(await next, undefined);
  });

  test("are no more than the limit; who went long ago makes room, who is waited for does not", () => {
    const { clients } = createClients({ keepMs: 1000, clientsMax: 2 });
    const one = clients.attach(writer);
    clients.attach(viewer);
    assert.throws(() => clients.attach(writer), { code: "TOO_MANY_CLIENTS" });
    assert.throws(() => clients.check(undefined, "user:me"), { code: "TOO_MANY_CLIENTS" });
    one.leave();
    const three = clients.attach({ ...writer, ackWindow: 100 });
    assert.throws(() => clients.check(one.id, "user:me"), { code: "CLIENT_NOT_FOUND" });
    three.lose();
    assert.throws(() => clients.attach(viewer), { code: "TOO_MANY_CLIENTS" });
    clients.check(three.id, "user:me");
  });

  test("are told when others come, are lost and go, and not of themselves alone", () => {
    const { clients } = createClients({ keepMs: 1000 });
    const told: string[] = [];
    const listening = (name: string) => ({ membersChanged: () => void told.push(name) });
    const one = clients.attach({ ...writer, ackWindow: 100, events: listening("one") });
    assert.deepEqual(told.splice(0), []);
    const two = clients.attach({ ...viewer, events: listening("two") });
    assert.deepEqual(told.splice(0), ["one", "two"]);
    one.lose();
    assert.deepEqual(told.splice(0), ["two"]);
    assert.deepEqual(
      clients.members.map(({ id, isConnected }) => [id, isConnected]),
      [
        [one.id, false],
        [two.id, true],
      ],
    );
    two.leave();
    assert.deepEqual(told, []);
  });
});

describe("a client that comes back", () => {
  test("takes its place, and who was there is told first", () => {
    const { clients } = createClients();
    let replaced = 0;
    const one = clients.attach({ ...writer, events: { replaced: () => replaced++ } });
    const two = clients.attach({ ...writer, client: one.id });
    assert.deepEqual([two.id, replaced, clients.members.length], [one.id, 1, 1]);
    one.leave();
    assert.equal(clients.members.length, 1, "the old connection's end changes nothing");
  });

  test("is the principal's own and a writer", () => {
    const { clients } = createClients();
    const [mine, watching] = [clients.attach(writer), clients.attach(viewer)];
    for (const [client, principal] of [
      [mine.id, "user:other"],
      [watching.id, "user:me"],
      ["no such", "user:me"],
    ] as const) {
      assert.throws(() => clients.attach({ ...writer, principal, client }), { code: "CLIENT_NOT_FOUND" });
      assert.throws(() => clients.check(client, principal), { code: "CLIENT_NOT_FOUND" });
    }
  });

  test("finds what it has not acknowledged, however much was written meanwhile, until its time is over", async () => {
    const { clients, log, clock } = createClients({ capacity: 100, keepMs: 1000 });
    const one = clients.attach({ ...writer, ackWindow: 10_000 });
    log.append({ stream: "stdout", bytes: Buffer.alloc(5000) });
    one.cursor.take();
    one.cursor.ack(1000);
    one.lose();
    const room = log.room();
    assert.ok(room, "the command waits");
    await clock.advance(999);
    const two = clients.attach({ ...writer, client: one.id, offset: 2000, ackWindow: 10_000 });
    await clock.advance(10_000);
    assert.deepEqual([two.cursor.take()?.type, two.cursor.offset], ["data", 5000]);
    two.lose();
    await clock.advance(1000);
    await room;
  });

  test("finds a gap when it had detached", () => {
    const { clients, log } = createClients({ capacity: 100, keepMs: 1000 });
    const one = clients.attach({ ...writer, ackWindow: 10_000 });
    one.leave();
    for (let n = 0; n < 3; n++) log.append({ stream: "stdout", bytes: Buffer.alloc(5000) });
    assert.equal(log.room(), undefined);
    assert.deepEqual(clients.attach({ ...writer, client: one.id, offset: 0 }).cursor.take(), { type: "gap", from: 0, to: 15_000 });
  });

  test("goes on with its count of stdin, and what it had sent is given to the command all the same", async () => {
    const { clients, taken, clock } = createClients({ keepMs: 1000 });
    const one = clients.attach(writer);
    one.input.open();
    one.input.stdin(Buffer.from("abc"));
    one.lose();
    await clock.advance(1);
    const two = clients.attach({ ...writer, client: one.id });
    two.input.stdin(Buffer.from("def"));
    await clock.advance(1);
    assert.deepEqual([two.stdinOffset, taken.join("")], [3, "abcdef"]);
  });

  test("is not waited for once the session is over, and can still read its end", async () => {
    const { clients, log, clock } = createClients({ keepMs: 1000 });
    const one = clients.attach({ ...writer, ackWindow: 100 });
    log.append({ stream: "stdout", bytes: Buffer.from("end") });
    one.lose();
    clients.end();
    log.endOutput();
    assert.equal(clock.timers, 0);
    const two = clients.attach({ ...writer, client: one.id, offset: 0 });
    assert.equal((await two.cursor.next())?.type, "data");
    assert.equal(await two.cursor.next(), undefined);
  });
});
