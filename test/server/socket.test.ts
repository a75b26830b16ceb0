import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../src/exec/clock.ts";
import type { Session } from "../../src/exec/session.ts";
import { Heartbeat } from "../../src/server/heartbeat.ts";
import { type AttachOptions, ExecSocket } from "../../src/server/socket.ts";
import { nativeSubprotocol, type Subprotocol, subprotocols } from "../../src/wire/index.ts";
import { createSession, startSession } from "../fixtures/session.ts";
import { until } from "../fixtures/until.ts";

const options: AttachOptions = { principal: "user:test", role: "writer", isAcknowledged: false, isEndTold: false };

interface Wishes {
  readonly options?: Partial<AttachOptions>;
  readonly start?: () => Promise<void>;
  readonly heartbeat?: Heartbeat;
  readonly protocol?: Subprotocol;
}

/** A client with a connection of its own, and the socket that joins it to a session. */
async function join(t: TestContext, session: Session, wishes: Wishes = {}) {
  const { start, heartbeat = new Heartbeat(systemClock, 60_000), protocol = nativeSubprotocol } = wishes;
  const deps = { clock: systemClock, heartbeat, slowClientMs: 60_000, ackWindow: 0, refused() {} };
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const opened = once(client, "open");
  const [socket] = (await once(server, "connection")) as [WebSocket];
  const codec = subprotocols[protocol]({ tty: false, stdin: true, stdout: true, stderr: true });
  const ended = new ExecSocket(socket, codec, session, { ...options, ...wishes.options }, deps).run(start);
  await opened;
  return { client, socket, ended };
}

test("a client beyond its credit is read on to its answer when the session closes the connection", async (t) => {
  const { session, process } = await startSession({ behaviour: { holdsWrites: true } });
  // A runtime may take a moment longer to let go of what waits than the session takes to end.
  t.mock.method(process, "takeWrites", () => undefined);
  const { client, socket, ended } = await join(t, session);
  for (let sent = 0; sent < 10; sent++) client.send(Buffer.alloc(100_001));
  await until("the client to be beyond its credit", () => socket.isPaused);
  process.ends(0);
  await ended;
  let code: number | undefined;
  client.once("close", (closeCode) => {
    code = closeCode;
  });
  await until("the end of the closing handshake", () => code !== undefined);
  assert.equal(code, 1000);
});

test("a client hears the beats, once it is attached", async (t) => {
  const { session } = createSession({ behaviour: { start: "waits" } });
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const heartbeat = new Heartbeat(systemClock, 10);
  const { client } = await join(t, session, { start: () => begun, heartbeat });
  const heard: { readonly type: string; readonly heartbeatMs?: number }[] = [];
  client.on("message", (data: Buffer) => heard.push(JSON.parse(data.toString())));
  for (let pings = 0; pings < 3; pings++) await once(client, "ping");
  begin();
  await until("beats", () => heard.length >= 4);
  assert.deepEqual([heard[0]?.type, heard[0]?.heartbeatMs], ["attached", 10]);
  assert.deepEqual(
    heard.slice(1, 4),
    Array.from({ length: 3 }, () => ({ type: "accepted", bytes: 0 })),
  );
  client.terminate();
});

test("a kept session ends with a client that is lost before it can know of it, whatever that has said", async (t) => {
  const { session, runtime } = createSession({ request: { keepMs: 60_000 }, behaviour: { start: "waits" } });
  const { client, socket } = await join(t, session, { start: () => session.start() });
  client.send(Buffer.from("\0early"));
  socket.ping();
  await once(socket, "pong");
  client.terminate();
  await session.finished;
  assert.deepEqual(runtime.processes, []);
});

test("who joins a session while it is started and is lost does not end it", async (t) => {
  const { session, runtime, clock } = createSession({ request: { keepMs: 60_000 }, behaviour: { start: "waits" } });
  const starting = session.start();
  const { client, socket } = await join(t, session, { options: { role: "viewer" } });
  const closed = once(socket, "close");
  client.terminate();
  await closed;
  runtime.letStart();
  await starting;
  assert.equal(session.state, "running");
  runtime.process.ends(0);
  await clock.advance(0);
  assert.equal((await session.finished)?.outcome, "exited");
});

describe("a client that is beyond its credit, so that no pong of it is read", () => {
  const beatMs = 15_000;

  /** It answers nothing, and its command takes stdin when it is told to. */
  async function beyond(t: TestContext, wishes: Wishes) {
    const { session, process, clock } = await startSession({ behaviour: { holdsWrites: true } });
    const { client, socket } = await join(t, session, { ...wishes, heartbeat: new Heartbeat(clock, beatMs) });
    for (let sent = 0; sent < 10; sent++) client.send(Buffer.alloc(100_001));
    await until("the client to be beyond its credit", async () => socket.isPaused);
    client.pause();
    return { session, process, clock, client, socket };
  }

  test("is given up after three beats, in which nothing of its stdin was taken", async (t) => {
    const { session, clock, socket } = await beyond(t, {});
    await clock.advance(2 * beatMs);
    assert.equal(socket.readyState, socket.OPEN);
    await clock.advance(beatMs);
    await until("the end of the session", async () => session.outcome?.endedBy === "disconnect");
  });

  test("is kept as long as its command takes some of it now and then", async (t) => {
    const { process, clock, socket } = await beyond(t, {});
    for (let taken = 0; taken < 4; taken++) {
      await clock.advance(2 * beatMs);
      process.takeWrites();
      await until("another piece", async () => process.written.length > taken + 1);
    }
    assert.deepEqual([socket.readyState, socket.isPaused], [socket.OPEN, true]);
    socket.terminate();
  });

  test("is waited for when it is one of Kubernetes, which knows of no credit", async (t) => {
    const { clock, socket } = await beyond(t, { protocol: "v5.channel.k8s.io", options: { isEndTold: true } });
    await clock.advance(10 * beatMs);
    assert.equal(socket.readyState, socket.OPEN);
    socket.terminate();
  });
});
