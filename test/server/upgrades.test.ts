import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { openGateway } from "../fixtures/gateway.ts";
import { sendRaw } from "../fixtures/raw-socket.ts";
import { until } from "../fixtures/until.ts";

const plain = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const upgrade = (to: string, more = "") =>
  `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${to}\r\n${more}\r\n`;
const webSocketKey = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

test("an upgrade to another protocol is answered as a plain request", async () => {
  await using gateway = await openGateway();
  assert.match(await sendRaw(gateway.url, upgrade("h2c")), /^HTTP\/1\.1 200 [\s\S]*\{"status":"ok"\}$/);
});

test("an upgrade with a body is refused, not waited for", async () => {
  await using gateway = await openGateway();
  assert.match(await sendRaw(gateway.url, upgrade("h2c", "Content-Length: 1\r\n")), /^HTTP\/1\.1 400 [\s\S]*cannot carry a body/);
});

for (const [name, second] of [
  ["another protocol", upgrade("h2c")],
  ["a WebSocket", upgrade("websocket", webSocketKey)],
] as const) {
  test(`an upgrade to ${name} behind a request that is not answered yet closes the connection`, async () => {
    await using gateway = await openGateway();
    await sendRaw(gateway.url, plain + second);
    assert.equal((await gateway.request("/healthz")).status, 200);
  });
}

test("connections that are reset in the middle of an upgrade leave the gateway as it was", { timeout: 60_000 }, async () => {
  await using gateway = await openGateway();
  const port = Number(new URL(gateway.url).port);
  const requests = [upgrade("x", "Content-Length: 1\r\n"), upgrade("h2c"), upgrade("websocket", webSocketKey), "garbage\r\n\r\n"];
  for (let i = 0; i < 400; i++) {
    await new Promise<void>((resolve) => {
      const socket: Socket = connect(port, "127.0.0.1", () =>
        socket.write(requests[i % requests.length] ?? "", () => socket.resetAndDestroy()),
      );
      socket.on("error", () => undefined);
      socket.once("close", () => resolve());
    });
  }
  assert.equal((await gateway.request("/healthz")).status, 200);
});

test("refused peers that never close their side hold no descriptor", { timeout: 30_000 }, async (t) => {
  await using gateway = await openGateway();
  const port = Number(new URL(gateway.url).port);
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  const peers: Socket[] = [];
  t.after(() => peers.forEach((peer) => void peer.destroy()));
  for (let i = 0; i < 20; i++) {
    const peer = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    peer.on("error", () => undefined).resume();
    peer.write(i % 2 === 0 ? upgrade("x", "Content-Length: 1\r\n") : "garbage\r\n\r\n");
    peers.push(peer);
  }
  await until("the refusals", async () => peers.every((peer) => peer.readableEnded || peer.destroyed));
  // The peers' own descriptors are in this process too; beside them nothing is to stay.
  await until("the gateway's ends closed", async () => open() - before <= peers.filter((peer) => !peer.destroyed).length);
});
