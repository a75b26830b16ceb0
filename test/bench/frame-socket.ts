import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { testToken } from "../fixtures/token.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";

const binaryOpcode = 2;
const closeOpcode = 8;
const pongOpcode = 10;
const readBytes = 256 * 1024;

/** A client of `v1.execgate` on a bare socket, so that it is never the client that is measured. */
export interface FrameSocket extends Disposable {
  /** Sends bytes to the command. */
  write(bytes: Buffer): void;
}

/** Opens `GET /v1/exec`. @param query the parameters, `command` among them */
export function openFrameSocket(port: number, query: readonly (readonly [string, string])[], sink: FrameSink): FrameSocket {
  const path = `/v1/exec?${new URLSearchParams(query.map((pair) => [...pair]))}`;
  let head = "";
  const reader = new FrameReader({
    ...sink,
    ping: () => socket.write(maskedFrame(pongOpcode, Buffer.alloc(0))),
    close: () => socket.end(maskedFrame(closeOpcode, Buffer.alloc(0))),
  });
  let isUpgraded = false;
  const readHead = (bytes: Buffer): void => {
    head += bytes.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(head);
    isUpgraded = true;
    reader.push(Buffer.from(head.slice(end + 4), "latin1"));
  };
  const socket: Socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    // One buffer for every read: a stream would allocate one each.
    onread: {
      buffer: Buffer.allocUnsafeSlow(readBytes),
      callback: (count, buffer) => {
        const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, count);
        if (isUpgraded) reader.push(bytes);
        else readHead(bytes);
        return true;
      },
    },
  });
  socket.on("error", (cause) => sink.closed?.(cause));
  socket.on("close", () => sink.closed?.());
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${testToken}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Protocol: v1.execgate\r\n\r\n`,
  );
  return {
    write: (bytes) => void socket.write(maskedFrame(binaryOpcode, Buffer.concat([Buffer.of(0), bytes]))),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** A client's frame of up to 125 bytes. A mask of zeros leaves the payload as it is. */
function maskedFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload]);
}
