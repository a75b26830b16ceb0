import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { dial } from "../fixtures/exec-client.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";
import { closed, connectRaw } from "../fixtures/raw-socket.ts";
import { testToken } from "../fixtures/token.ts";
import { until } from "../fixtures/until.ts";

/** A connection that was upgraded by hand, and is not read from here on. */
async function upgraded(url: string): Promise<Socket> {
  const socket = await connectRaw(url);
  const handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
  socket.write(`GET /v1/exec?command=cat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${testToken}\r\n${handshake}\r\n\r\n`);
  await once(socket, "data");
  return socket.pause();
}

/** A client's frame; a mask of zeros leaves the payload as it is. */
const masked = (first: number, payload: Buffer) => Buffer.concat([Buffer.of(first, 0x80 | payload.length, 0, 0, 0, 0), payload]);

/** Sends a frame `count` times, as fast as it is taken, until all are sent, nothing is taken for a second, or the connection has ended. */
async function sendMany(socket: Socket, frame: Buffer, count: number): Promise<void> {
  const [each, batch] = [1000, Buffer.concat(Array.from({ length: 1000 }, () => frame))];
  for (let sent = 0; sent < count && !socket.destroyed; sent += each) {
    const isTaken = socket.write(batch) || (await Promise.race([drained(socket), delay(1000, false)]));
    if (!isTaken) return;
    // The answer is looked for in between.
    await delay(1);
  }
}

async function drained(socket: Socket): Promise<boolean> {
  try {
    await once(socket, "drain");
    return true;
  } catch {
    return false;
  }
}

/** The code of the close frame that comes; 0 when the connection ends without one. */
async function closeCode(socket: Socket): Promise<number> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await closed(socket);
  const all = Buffer.concat(chunks);
  const at = all.lastIndexOf(Buffer.of(0x88, 2));
  return at < 0 ? 0 : all.readUInt16BE(at + 2);
}

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

promise("B4", "hostile frames are refused with the right close code, and cost little", async function* (scale) {
  await using gateway = await GatewayProcess.spawn();
  const [url, request] = [await gateway.url(), await gateway.requester()];
  const memoryMB = () => gateway.memory().now / 1e6;
  await request("/v1/exec", { method: "POST", body: { command: ["head", "-c", "100000000", "/dev/zero"] } });

  for (const [what, frame, limit] of frames) {
    const socket = await upgraded(url);
    socket.write(frame);
    yield { what, measured: await closeCode(socket), is: "exactly", limit, unit: "" };
  }

  const pings = scale === "full" ? 3_000_000 : 200_000;
  const before = memoryMB();
  const pinger = await upgraded(url);
  await sendMany(pinger, masked(0x89, Buffer.from("a ping with some payload")), pings);
  yield { what: `memory for ${pings} pings of a client that never reads`, measured: memoryMB() - before, limit: 32, unit: "MB" };
  pinger.destroy();

  const pieces = scale === "full" ? 1_000_000 : 100_000;
  const cutter = await upgraded(url);
  const closed = closeCode(cutter);
  cutter.write(masked(0x02, Buffer.of(0)));
  await sendMany(cutter, masked(0x00, Buffer.of(0)), pieces);
  // What was sent behind the refusal is not read, so that a reset can overtake its close frame.
  const isRefused = [1008, 0].includes(await closed);
  yield {
    what: `a message in ${pieces} pieces of one byte is refused`,
    measured: Number(isRefused),
    is: "exactly",
    limit: 1,
    unit: "refusal",
  };
  yield { what: "memory after it", measured: memoryMB() - before, limit: 32, unit: "MB" };

  const sizes = scale === "full" ? 100_000 : 10_000;
  using writer = await dial(`${url}/v1/exec?tty=1&command=cat`);
  const { session } = await writer.control("attached");
  using viewer = await dial(`${url}/v1/sessions/${session}/attach?role=viewer`);
  await viewer.control("attached");
  for (let i = 0; i < sizes; i++) writer.say({ type: "resize", cols: 10 + (i % 100), rows: 10 + (i % 50) });
  writer.say({ type: "resize", cols: 321, rows: 123 });
  const resized = () => viewer.controls.filter(({ type }) => type === "resized");
  await until("the last size", () => resized().at(-1)?.cols === 321, 20_000);
  yield { what: `of ${sizes} sizes in a burst, applied`, measured: resized().length, limit: sizes / 100, unit: "sizes" };
  yield { what: "afterwards /healthz answers", measured: (await request("/healthz")).status, is: "exactly", limit: 200, unit: "" };
});
