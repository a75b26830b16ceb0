import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { dial } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { connectRaw } from "../fixtures/raw-socket.ts";
import { until } from "../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway();
});
after(() => served[Symbol.asyncDispose]());

const url = () => `${served.url}/v1/exec?command=cat`;

/** Frames that the library can send, and the close code that answers. */
const messages: readonly (readonly [string, string | Buffer, number])[] = [
  ["text that is no JSON", "resize", 4400],
  ["JSON that is no object", "[]", 4400],
  ["an unknown type", '{"type":"run"}', 4400],
  ["an unknown key", '{"type":"eof","now":true}', 4400],
  ["a size as text", '{"type":"resize","cols":"80","rows":24}', 4400],
  ["a signal that is none", '{"type":"signal","signal":"INT"}', 4400],
  ["a key twice", '{"type":"resize","cols":1,"cols":2,"rows":1}', 4400],
  ["deep nesting", "[".repeat(1_000_000), 4400],
  ["another channel", Buffer.of(1, 2), 4400],
  ["no channel", Buffer.alloc(0), 4400],
  ["more than 1 MiB", Buffer.alloc(1_048_577), 1009],
];

for (const [what, message, code] of messages) {
  test(`${what} closes with ${code}, and ends the command`, async () => {
    using client = await dial(url());
    await client.control("attached");
    client.ws.send(message);
    assert.equal((await client.closed).code, code);
    if (code === 4400) assert.equal((await client.control("error")).code, "BAD_REQUEST");
    await until("end of the session", async () => (await served.metric("execgate_sessions_active")) === 0);
  });
}

/** A connection that was upgraded by hand. */
async function upgraded(): Promise<Socket> {
  const socket = await connectRaw(served.url);
  const { host } = new URL(served.url);
  const key = randomBytes(16).toString("base64");
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n`;
  socket.write(`GET /v1/exec?command=cat HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${testToken}\r\n${upgrade}\r\n`);
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 101 /);
  return socket;
}

/** The code of the close frame that comes. */
async function closeCode(socket: Socket): Promise<number> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  const all = Buffer.concat(chunks);
  const at = all.indexOf(0x88);
  return at < 0 ? 0 : all.readUInt16BE(at + 2);
}

const masked = (first: number, payload: Buffer) => Buffer.concat([Buffer.of(first, 0x80 | payload.length, 0, 0, 0, 0), payload]);

/** Frames that no library sends, and the close code that answers. */
const frames: readonly (readonly [string, Buffer, number])[] = [
  ["text that is no UTF-8", masked(0x81, Buffer.of(0xff, 0xfe)), 1007],
  ["a frame without a mask", Buffer.of(0x82, 1, 0), 1002],
  ["an opcode that is none", masked(0x83, Buffer.of(0)), 1002],
  ["reserved bits", masked(0xf2, Buffer.of(0)), 1002],
  ["a compressed frame that was not agreed on", masked(0xc2, Buffer.of(0)), 1002],
  ["a ping in pieces", masked(0x09, Buffer.of(0)), 1002],
  ["a piece that continues nothing", masked(0x80, Buffer.of(0)), 1002],
  ["a length of 2 ** 62", Buffer.of(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 1009],
];

for (const [what, frame, code] of frames) {
  test(`${what} closes with ${code}`, async () => {
    const socket = await upgraded();
    const closed = closeCode(socket);
    socket.write(frame);
    assert.equal(await closed, code);
  });
}

test("an upgrade that is not well formed starts nothing and leaves nothing", async () => {
  const before = await served.metric("execgate_exec_start_seconds_count");
  const { host } = new URL(served.url);
  for (const headers of ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13", "Sec-WebSocket-Version: 99"]) {
    const socket = await connectRaw(served.url);
    const fixed = `Host: ${host}\r\nAuthorization: Bearer ${testToken}\r\nConnection: Upgrade\r\nUpgrade: websocket`;
    socket.write(`GET /v1/exec?command=cat HTTP/1.1\r\n${fixed}\r\n${headers}\r\n\r\n`);
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1\.1 4\d\d /);
    socket.destroy();
  }
  assert.equal(await served.metric("execgate_exec_start_seconds_count"), before);
  const live = async () => ((await served.request("/v1/sessions?state=starting")).json as { sessions: unknown[] }).sessions.length;
  await until("end of what was admitted", async () => (await live()) === 0);
});
