import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../src/exec/clock.ts";
import { Heartbeat } from "../../src/server/heartbeat.ts";
import { ExecSocket } from "../../src/server/socket.ts";
import { nativeSubprotocol, subprotocols } from "../../src/wire/index.ts";
import { startSession } from "../fixtures/session.ts";
import { until } from "../fixtures/until.ts";

const deps = { clock: systemClock, heartbeat: new Heartbeat(systemClock, 60_000), slowClientMs: 60_000, ackWindow: 0, refused() {} };
const options = { principal: "user:test", role: "writer", isAcknowledged: false, isEndTold: false } as const;

test("a client beyond its credit is read on to its answer when the session closes the connection", async (t) => {
  const { session, process } = await startSession({ behaviour: { holdsWrites: true } });
  // A runtime may take a moment longer to let go of what waits than the session takes to end.
  t.mock.method(process, "takeWrites", () => undefined);
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [socket] = (await once(server, "connection")) as [WebSocket];
  const codec = subprotocols[nativeSubprotocol]({ tty: false, stdin: true, stdout: true, stderr: true });
  const ended = new ExecSocket(socket, codec, session, options, deps).run();
  await once(client, "message");
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
