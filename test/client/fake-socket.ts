import type { WebSocketLike } from "../../src/client/web-socket.ts";
import type { ServerMessage } from "../../src/wire/codec.ts";
import { createServerCodec } from "../../src/wire/execgate-v1.ts";

const codec = createServerCodec({ tty: true, stdin: true, stdout: true, stderr: true });

/** The browser's side of a WebSocket whose other end is the test. */
export class FakeSocket implements WebSocketLike {
  binaryType = "blob";
  readyState = 0;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly sent: (string | Uint8Array)[] = [];
  closedWith: number | undefined;

  send(data: string | Uint8Array): void {
    if (this.readyState === 0) throw new Error("sent before the socket was open");
    this.sent.push(data);
  }

  close(code?: number): void {
    this.closedWith = code;
    this.readyState = 2;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.({});
  }

  say(message: ServerMessage): void {
    for (const frame of codec.encode(message)) this.frame(frame);
  }

  frame(frame: string | Uint8Array): void {
    this.onmessage?.({ data: typeof frame === "string" ? frame : new Uint8Array(frame).buffer });
  }

  end(code: number, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** The control messages that were sent. */
  get control(): readonly unknown[] {
    return this.sent.filter((frame) => typeof frame === "string").map((frame): unknown => JSON.parse(frame));
  }

  /** The stdin that was sent. */
  get stdin(): Buffer {
    return Buffer.concat(this.sent.filter((frame) => typeof frame !== "string").map((frame) => frame.subarray(1)));
  }
}
