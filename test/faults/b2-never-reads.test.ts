import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { echoTimes, openEcho, quantile } from "../fixtures/echo.ts";
import { dial, type ExecClient } from "../fixtures/exec-client.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";
import { closed, connectRaw } from "../fixtures/raw-socket.ts";
import { isEstablished } from "../fixtures/tcp-table.ts";
import { testToken } from "../fixtures/token.ts";
import { until, untilStill } from "../fixtures/until.ts";

const producer = "command=head&command=-c&command=10G&command=/dev/zero";

/** How long nothing must move before that is a standstill. */
const stillForMs = 400;

/** A client that takes the first message and then nothing more. */
async function dialDeaf(url: string): Promise<ExecClient> {
  const client = await dial(`${url}/v1/exec?${producer}`);
  await client.control("attached");
  client.ws.pause();
  return client;
}

/** Upgrades by hand and reads nothing at all, which costs this process nothing either. */
async function connectDeaf(url: string): Promise<Socket> {
  const head = ["Host: localhost", `Authorization: Bearer ${testToken}`, "Connection: Upgrade", "Upgrade: websocket"];
  const handshake = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="];
  const socket = (await connectRaw(url)).pause();
  socket.write(`GET /v1/exec?${producer} HTTP/1.1\r\n${[...head, ...handshake].join("\r\n")}\r\n\r\n`);
  return socket;
}

promise("B2", "a client that never reads costs little, holds its own command alone, and is closed", async function* (scale) {
  const [clients, slowClientMs] = scale === "full" ? [100, 60_000] : [10, 3000];
  await using gateway = await GatewayProcess.spawn({ settings: { limits: { slowClientMs } } });
  const [url, request] = [await gateway.url(), await gateway.requester()];
  using echo = await openEcho(url);
  await echoTimes(echo, 100);
  // By then the young generation of the heap is as large as it gets to be.
  for (let i = 0; i < 3; i++) await request("/v1/exec", { method: "POST", body: { command: ["head", "-c", "200000000", "/dev/zero"] } });
  const offsetOf = async (client: ExecClient): Promise<number> => {
    const { session } = await client.control("attached");
    return ((await request(`/v1/sessions/${session}`)).json as { offset: number }).offset;
  };

  const before = gateway.memory().now;
  using deaf = await dialDeaf(url);
  const offset = await untilStill("the output", () => offsetOf(deaf), stillForMs);
  const lastMs = performance.now() - stillForMs;
  yield { what: "memory for one client that never reads", measured: (gateway.memory().now - before) / 1e6, limit: 8, unit: "MB" };
  await delay(scale === "full" ? 5000 : 300);
  yield { what: "bytes taken from its command after that", measured: (await offsetOf(deaf)) - offset, limit: 0, unit: "bytes" };

  const others = Promise.all(Array.from({ length: clients - 1 }, () => connectDeaf(url)));
  const times = await echoTimes(echo, scale === "full" ? 5000 : 1500);
  const all = await others;
  yield { what: `memory for ${clients}`, measured: (gateway.memory().now - before) / 1e6, limit: 500, unit: "MB" };
  yield { what: "echo of another session meanwhile, p99", measured: quantile(times, 0.99), limit: 100, unit: "ms" };

  const slow = () => gateway.lines.filter((line) => line.includes('"endedBy":"slow"')).length;
  await until("the first client given up", () => slow() > 0, slowClientMs + 10_000);
  const givenUpMs = performance.now() - lastMs;
  deaf.ws.resume();
  yield {
    what: `the first is given up after ${slowClientMs} ms without progress, later by`,
    measured: givenUpMs - slowClientMs,
    limit: 1500,
    unit: "ms",
  };
  yield { what: "its close code", measured: (await deaf.closed).code, is: "exactly", limit: 4408, unit: "" };
  await until("all clients given up", () => slow() === clients, slowClientMs + 10_000).catch(() => undefined);
  yield { what: "clients given up", measured: slow(), is: "exactly", limit: clients, unit: "clients" };
  for (const socket of all) socket.destroy();
});

promise("B2", "an answer in one piece that nobody reads is given up too", async function* (scale) {
  const slowClientMs = scale === "full" ? 5000 : 1500;
  await using gateway = await GatewayProcess.spawn({ settings: { limits: { slowClientMs } } });
  const url = await gateway.url();
  const body = JSON.stringify({ command: ["head", "-c", "16777216", "/dev/zero"], outputBytesMax: 16_777_216, encoding: "base64" });
  const head = [
    "Host: localhost",
    `Authorization: Bearer ${testToken}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  const socket = await connectRaw(url);
  socket.pause();
  socket.write(`POST /v1/exec HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n${body}`);
  await gateway.logged("exec");
  const beganMs = performance.now();
  await until("the end of the connection", () => !isEstablished(Number(new URL(url).port), socket.localPort ?? 0), slowClientMs * 3);
  // Node comes by once in that time, and first only notes how much waits.
  yield {
    what: `closed after ${slowClientMs} ms without progress, later by`,
    measured: performance.now() - beganMs - slowClientMs,
    limit: slowClientMs + 1000,
    unit: "ms",
  };
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
  });
  await closed(socket.resume());
  yield { what: "of its 22 MB, sent", measured: received / 1e6, limit: 20, unit: "MB" };
});
