import { type AttachedMessage, type ClientMessage, type ServerMessage, WireError } from "../wire/codec.ts";
import { decodeServer, encodeClient } from "../wire/execgate-v1-client.ts";
import type { ConnectionEnd } from "./connection-end.ts";
import { createInOrder } from "./in-order.ts";
import { StdinQueue } from "./stdin-queue.ts";
import { socketConnecting, socketOpen, type WebSocketLike } from "./web-socket.ts";

type SignalName = Extract<ClientMessage, { type: "signal" }>["signal"];
type OutputMessage = Extract<ServerMessage, { type: "output" }>;

/** What the server says on the way. Each is called in the order of the wire; a promise that one returns holds back the next. */
export interface ConnectionHandlers {
  attached?(message: AttachedMessage): void | Promise<void>;
  /** The bytes belong to the handler. */
  output(message: OutputMessage): void | Promise<void>;
  /** These output bytes were let go by the server and will not come. */
  gap?(from: number, to: number): void | Promise<void>;
  /** Another client changed the terminal's size. */
  resized?(cols: number, rows: number): void | Promise<void>;
}

export interface ConnectOptions {
  /** Stops and restarts reading from the transport while a handler's promise is pending: `ws.pause()` and `ws.resume()` in Node. */
  readonly hold?: (held: boolean) => void;
}

/** One exec connection. Every method is harmless once it is over. */
export interface Connection {
  /** Settles when every handler before the end is done. Rejects only with what a handler threw. */
  readonly ended: Promise<ConnectionEnd>;
  /** Resolves with true when all is sent, with false when the connection ended first. The bytes must not change until then. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Closes stdin, behind every write. */
  eof(): Promise<boolean>;
  resize(cols: number, rows: number): void;
  signal(name: SignalName): void;
  /** Tells how many output bytes are consumed, counted from the session's start (with `flow=ack`). */
  ack(bytes: number): void;
  detach(): void;
  close(): void;
}

/**
 * Takes over `socket`, which may be still connecting, and speaks `v1.execgate` on it. Never sends more than
 * `stdinWindow` bytes of stdin beyond what the server has accepted.
 */
export function connect(socket: WebSocketLike, handlers: ConnectionHandlers, options: ConnectOptions = {}): Connection {
  return new ExecConnection(socket, handlers, options);
}

type Incoming = ServerMessage | { readonly type: "closed"; readonly code: number; readonly reason: string };

class ExecConnection implements Connection {
  readonly ended: Promise<ConnectionEnd>;
  readonly #socket: WebSocketLike;
  readonly #handlers: ConnectionHandlers;
  readonly #stdin = new StdinQueue((message) => this.#send(message));
  readonly #receive: (message: Incoming) => void;
  /** What was said before the socket opened; sending then would throw. */
  readonly #early: ClientMessage[] = [];
  #settle: (end: ConnectionEnd) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  #opened = false;
  #leaving: "detached" | "closed" | undefined;

  constructor(socket: WebSocketLike, handlers: ConnectionHandlers, options: ConnectOptions) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    const hold = options.hold ?? (() => {});
    this.#receive = createInOrder(
      (message) => this.#handle(message),
      hold,
      (error) => this.#abandon(error),
    );
    this.#listen();
  }

  write(bytes: Uint8Array): Promise<boolean> {
    return this.#stdin.write(bytes);
  }

  eof(): Promise<boolean> {
    return this.#stdin.write(undefined);
  }

  resize(cols: number, rows: number): void {
    this.#send({ type: "resize", cols, rows });
  }

  signal(name: SignalName): void {
    this.#send({ type: "signal", signal: name });
  }

  ack(bytes: number): void {
    this.#send({ type: "ack", bytes });
  }

  detach(): void {
    this.#leaving ??= "detached";
    this.#send({ type: "detach" });
  }

  close(): void {
    this.#leaving ??= "closed";
    this.#socket.close(1000);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#opened = true;
      for (const message of this.#early.splice(0)) this.#send(message);
    };
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onclose = ({ code, reason }) => this.#receive({ type: "closed", code, reason });
    // Every error is followed by a close, which says more; without a listener ws would throw it.
    socket.onerror = () => {};
  }

  #read(data: unknown): void {
    try {
      const message = typeof data === "string" ? decodeServer(data, false) : decodeServer(new Uint8Array(data as ArrayBuffer), true);
      // Credit is not ordered with output, and a writer must not wait for a reader.
      if (message?.type === "accepted") this.#stdin.accept(message.bytes);
      else if (message !== undefined) this.#receive(message);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#receive({ type: "closed", code: error.closeCode, reason: error.message });
      this.#socket.close(error.closeCode);
    }
  }

  #handle(message: Incoming): void | Promise<void> {
    switch (message.type) {
      case "attached":
        this.#stdin.open(message.stdinOffset, message.stdinWindow);
        return this.#handlers.attached?.(message);
      case "output":
        return this.#handlers.output(message);
      case "gap":
        return this.#handlers.gap?.(message.from, message.to);
      case "resized":
        return this.#handlers.resized?.(message.cols, message.rows);
      case "exit":
        return this.#end({ kind: "exit", exit: message });
      case "error":
        return this.#end({ kind: "error", code: message.code, message: message.message });
      case "closed":
        return this.#end(this.#closedBy(message.code, message.reason));
    }
  }

  #end(end: ConnectionEnd): void {
    this.#stdin.close();
    this.#settle(end);
  }

  /** A handler that threw has lost its place in the output: nothing more can be told in order. */
  #abandon(error: unknown): void {
    this.#stdin.close();
    this.#fail(error);
    this.#socket.close(1000);
  }

  #closedBy(closeCode: number, reason: string): ConnectionEnd {
    if (this.#leaving === "closed" || (this.#leaving === "detached" && closeCode === 4409)) return { kind: this.#leaving };
    return { kind: "lost", closeCode, reason, opened: this.#opened };
  }

  #send(message: ClientMessage): void {
    if (this.#socket.readyState === socketConnecting) this.#early.push(message);
    else if (this.#socket.readyState === socketOpen) this.#socket.send(encodeClient(message) as string | Uint8Array<ArrayBuffer>);
  }
}
