import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { dial } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { closed, connectRaw } from "../fixtures/raw-socket.ts";
import { until, untilStill } from "../fixtures/until.ts";

/** Silence is told from slowness by the pongs, which whoever reads nothing does not send either. */
const [hasty, attentive] = [{ limits: { slowClientMs: 400 } }, { limits: { heartbeatMs: 100 } }];

/** What the log says of the only exec, once it is over. */
async function ending({ logLines }: TestGateway): Promise<unknown> {
  await until("the end of the exec", async () => logLines.some((line) => line.msg === "exec"));
  return logLines.find((line) => line.msg === "exec")?.endedBy;
}

test("a WebSocket client that takes nothing is given up as slow, and its command ended", async () => {
  await using gateway = await openGateway(hasty);
  using client = await dial(`${gateway.url}/v1/exec?command=yes`);
  await client.control("attached");
  client.ws.pause();
  assert.equal(await ending(gateway), "slow");
});

test("a client of streamed lines that takes nothing is given up as slow, and its command ended", async () => {
  await using gateway = await openGateway(hasty);
  const body = JSON.stringify({ command: ["yes"], outputBytesMax: 16_777_216, timeoutMs: 0 });
  const head = [
    "POST /v1/exec HTTP/1.1",
    "Host: localhost",
    `Authorization: Bearer ${testToken}`,
    "Accept: application/x-ndjson",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  const socket = await connectRaw(gateway.url);
  socket.pause();
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  assert.equal(await ending(gateway), "slow");
  socket.destroy();
});

for (const [beside, upgrade] of [
  ["alone", []],
  ["beside an upgrade that is not spoken", ["Connection: Upgrade", "Upgrade: h2c"]],
] as const) {
  test(`an answer in one piece that nobody takes is not held, asked for ${beside}`, async () => {
    await using gateway = await openGateway(hasty);
    const body = { command: ["head", "-c", "12000000", "/dev/zero"], outputBytesMax: 12_000_000 };
    const { id } = (await gateway.request("/v1/sessions", { method: "POST", body })).json as { id: string };
    const path = `/v1/sessions/${id}/result`;
    await until("the result", async () => (await gateway.request(path, { method: "HEAD" })).status === 200);
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = await untilStill("descriptors", open);
    const socket = await connectRaw(gateway.url);
    socket.pause();
    await until("both ends of the connection", () => open() === before + 2);
    socket.write([`GET ${path} HTTP/1.1`, "Host: localhost", `Authorization: Bearer ${testToken}`, ...upgrade, "\r\n"].join("\r\n"));
    await until("the gateway's end of the connection closed", () => open() === before + 1);
    let received = 0;
    socket.on("data", (bytes) => {
      received += bytes.length;
    });
    socket.resume();
    await closed(socket);
    assert.ok(received < 12_000_000, `${received} bytes were still held`);
  });
}

test("a silent peer is given up after two pongs missed, one that answers is kept", async () => {
  await using gateway = await openGateway(attentive);
  using alive = await dial(`${gateway.url}/v1/exec?command=sleep&command=60`);
  const silent = await connectRaw(gateway.url);
  const head = [
    "GET /v1/exec?command=sleep&command=60 HTTP/1.1",
    "Host: localhost",
    `Authorization: Bearer ${testToken}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ];
  silent.resume();
  silent.write(`${head.join("\r\n")}\r\n\r\n`);
  assert.equal(await ending(gateway), "disconnect");
  assert.equal(alive.ws.readyState, alive.ws.OPEN);
  silent.destroy();
});

test("a client that sent more than its credit and falls silent is given up, although it is not read", async () => {
  await using gateway = await openGateway(attentive);
  using client = await dial(`${gateway.url}/v1/exec?command=sleep&command=60`);
  await client.control("attached");
  for (let sent = 0; sent < 10; sent++) client.ws.send(Buffer.alloc(100_001));
  client.ws.pause();
  assert.equal(await ending(gateway), "disconnect");
});
