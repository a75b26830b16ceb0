import assert from "node:assert/strict";
import { test } from "node:test";
import { dial } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { connectRaw } from "../fixtures/raw-socket.ts";
import { until } from "../fixtures/until.ts";

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
