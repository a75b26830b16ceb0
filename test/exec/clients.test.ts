import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Clients } from "../../src/exec/clients.ts";
import { OutputLog } from "../../src/exec/log.ts";
import type { Size } from "../../src/exec/runtime.ts";

function createClients(capacity = 1000) {
  const log = new OutputLog(capacity);
  const events: string[] = [];
  const clients = new Clients(log, { empty: (reason) => events.push(`empty ${reason}`), first: () => events.push("first") });
  return { log, clients, events };
}

describe("clients of a session", () => {
  test("are told of as the first writer when none was there, and as empty when none is left", () => {
    const { clients, events } = createClients();
    const one = clients.attach({ id: "1", role: "writer" });
    const two = clients.attach({ id: "2", role: "writer" });
    assert.equal(clients.size, 2);
    one.leave();
    assert.deepEqual(events, ["first"]);
    two.leave();
    clients.attach({ id: "3", role: "writer" });
    assert.deepEqual(events, ["first", "empty disconnect", "first"]);
  });

  test("that only watch neither keep a session nor end it", () => {
    const { clients, events } = createClients();
    const early = clients.attach({ id: "1", role: "viewer" });
    early.leave("slow");
    assert.deepEqual(events, []);
    const writer = clients.attach({ id: "2", role: "writer" });
    const late = clients.attach({ id: "3", role: "viewer" });
    writer.leave();
    late.leave();
    assert.deepEqual(events, ["first", "empty disconnect"]);
  });

  test("leave once, for the reason that they name first", () => {
    const { clients, events } = createClients();
    const client = clients.attach({ id: "1", role: "writer" });
    client.leave("slow");
    client.leave("client");
    assert.deepEqual(events, ["first", "empty slow"]);
    assert.equal(clients.size, 0);
  });

  test("read from the place that they name", async () => {
    const { log, clients } = createClients();
    log.append({ stream: "stdout", bytes: Buffer.from("abcdef") });
    const client = clients.attach({ id: "1", role: "viewer", offset: 3 });
    const item = await client.cursor.next();
    assert.ok(item?.type === "data");
    assert.equal(item.bytes.toString(), "def");
  });

  test("that leave no longer hold the source back, and what they waited for ends", async () => {
    const { log, clients } = createClients(100);
    const client = clients.attach({ id: "1", role: "writer" });
    log.append({ stream: "stdout", bytes: Buffer.alloc(5000) });
    const room = log.room();
    assert.ok(room);
    await client.cursor.next();
    const next = client.cursor.next();
    client.leave();
    await room;
    assert.equal(await next, undefined);
  });

  test("with the same id are two clients", () => {
    const { clients } = createClients();
    const one = clients.attach({ id: "same", role: "writer" });
    clients.attach({ id: "same", role: "writer" });
    one.leave();
    assert.equal(clients.size, 1);
  });

  test("hear of a new size, but not the one who changed it", () => {
    const { clients } = createClients();
    const heard: string[] = [];
    const listen = (id: string) =>
      ({ id, role: "writer", onResized: ({ cols, rows }: Size) => heard.push(`${id} ${cols}x${rows}`) }) as const;
    clients.attach(listen("1"));
    const two = clients.attach(listen("2"));
    clients.attach({ id: "3", role: "viewer" });
    clients.resized({ cols: 80, rows: 24 }, "1");
    clients.resized({ cols: 90, rows: 25 }, undefined);
    two.leave();
    clients.resized({ cols: 100, rows: 26 }, "3");
    assert.deepEqual(heard, ["2 80x24", "1 90x25", "2 90x25", "1 100x26"]);
  });
});
