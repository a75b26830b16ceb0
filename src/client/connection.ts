import { type AttachedMessage, type ClientMessage, type ClientView, type ServerMessage, WireError } from "../wire/codec.ts";
import { decodeServer, encodeClient } from "../wire/execgate-v1-client.ts";
import type { ConnectionEnd } from "./connection-end.ts";
import { createInOrder } from "./in-order.ts";
import { type Dialled, isResumable, type Loss, Redialer, type ResumeOptions } from "./redial.ts";
import type { Refusal } from "./refusal.ts";
import { Silence } from "./silence.ts";
import { StdinQueue } from "./stdin-queue.ts";
import { socketConnecting, socketOpen, type WebSocketLike } from "./web-socket.ts";

export type SignalName = Extract<ClientMessage, { type: "signal" }>["signal"];
export type OutputMessage = Extract<ServerMessage, { type: "output" }>;

/** What the server says on the way. Each is called in the order of the wire; a promise that one returns holds back the next. */
export interface ConnectionHandlers {
  /** The connection stands: at the first time, and after each loss, when `offset` is the very byte that is missing. */
  attached?(message: AttachedMessage): void | Promise<void>;
  /** The bytes belong to the handler. */
  output(message: OutputMessage): void | Promise<void>;
  /** These output bytes were let go by the server and will not come. */
  gap?(from: number, to: number): void | Promise<void>;
  /** Another client changed the terminal's size. */
  resized?(cols: number, rows: number): void | Promise<void>;
  /** Who is attached, when somebody else came or went. */
  clients?(clients: readonly ClientView[]): void | Promise<void>;
  /** The connection is lost and will be dialled again; called at once, whatever output still waits to be handled. */
  lost?(loss: Loss): void;
}

export interface ConnectOptions {
  /** Stops and restarts reading from a socket while a handler's promise is pending: `ws.pause()` and `ws.resume()` in Node. */
  readonly hold?: (held: boolean, socket: WebSocketLike) => void;
  /** How a lost connection is made anew; without it the loss is the end. */
  readonly resume?: ResumeOptions | undefined;
}

/** One client of an exec, over as many sockets as it takes. Every method is harmless once it is over. */
export interface Connection {
  /** Settles when every handler before the end is done. Rejects only with what a handler threw. */
  readonly ended: Promise<ConnectionEnd>;
  /** Resolves with true when all is sent, with false when the connection ended first. The bytes belong to the connection. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Closes stdin, behind every write. */
  eof(): Promise<boolean>;
  resize(cols: number, rows: number): void;
  /** What is said while the connection is lost is said when it is back; of what was on its way then nobody knows whether it arrived. */
  signal(name: SignalName): void;
  /** Tells how many output bytes are consumed, counted from the session's start (with `flow=ack`). */
  ack(bytes: number): void;
  detach(): void;
  close(): void;
  /** Dials again now: for those who know that the network is back, or that the socket is dead and does not say so. */
  renew(): void;
}

/**
 * Takes over what was dialled, which may be still connecting, and speaks `v1.execgate` on it. Never sends more than
 * `stdinWindow` bytes of stdin beyond what the server has accepted.
 */
export function connect(dialled: Dialled, handlers: ConnectionHandlers, options: ConnectOptions = {}): Connection {
  return new ExecConnection(dialled, handlers, options);
}

type Incoming = ServerMessage | { readonly type: "over"; readonly end: ConnectionEnd };

class ExecConnection implements Connection {
  readonly ended: Promise<ConnectionEnd>;
  readonly #handlers: ConnectionHandlers;
  readonly #redialer: Redialer | undefined;
  readonly #silence = new Silence(() => this.#drop("the server is not heard any more"));
  readonly #stdin = new StdinQueue((message) => this.#send(message));
  readonly #receive: (message: Incoming) => void;
  /** What was said before the socket was open and attached; sending then would throw, or come before what it belongs to. */
  #early: ClientMessage[] = [];
  #settle: (end: ConnectionEnd) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  /** Undefined while there is none. */
  #dialled: Dialled | undefined;
  #latest: Dialled;
  #opened = false;
  #leaving: "detached" | "closed" | undefined;
  /** The end was told; what comes after it is of no interest. */
  #isOver = false;
  #place: { readonly session: string; readonly client: string } | undefined;
  /** The number of the next output byte. */
  #received = 0;
  #size: { readonly cols: number; readonly rows: number } | undefined;

  constructor(dialled: Dialled, handlers: ConnectionHandlers, { hold = () => {}, resume }: ConnectOptions) {
    this.#handlers = handlers;
    this.#latest = dialled;
    this.#redialer = resume && this.#createRedialer(resume);
    this.ended = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    this.#receive = createInOrder(
      (message) => this.#handle(message),
      (held) => hold(held, this.#latest.socket),
      (error) => this.#abandon(error),
    );
    this.#use(dialled);
  }

  write(bytes: Uint8Array): Promise<boolean> {
    return this.#stdin.write(bytes);
  }

  eof(): Promise<boolean> {
    return this.#stdin.write(undefined);
  }

  resize(cols: number, rows: number): void {
    this.#size = { cols, rows };
    if (!this.#isLost) this.#say({ type: "resize", cols, rows });
  }

  signal(name: SignalName): void {
    this.#say({ type: "signal", signal: name });
  }

  ack(bytes: number): void {
    this.#send({ type: "ack", bytes });
  }

  detach(): void {
    this.#leaving ??= "detached";
    if (this.#isLost) this.#finish({ kind: "detached" });
    else this.#say({ type: "detach" });
  }

  close(): void {
    this.#leaving ??= "closed";
    this.#dialled?.socket.close(1000);
    if (this.#isLost) this.#finish({ kind: "closed" });
  }

  renew(): void {
    if (this.#isOver || this.#place === undefined || this.#redialer === undefined) return;
    this.#redialer.proven();
    this.#drop("");
  }

  /** Takes a socket for closed that may not say so for a quarter of an hour. */
  #drop(reason: string): void {
    const { socket } = this.#dialled ?? {};
    this.#closed(1006, reason, undefined);
    socket?.close(4000, "dropped");
  }

  get #isLost(): boolean {
    return this.#redialer?.isLost === true;
  }

  #createRedialer(resume: ResumeOptions): Redialer {
    return new Redialer(resume, {
      waiting: (loss) => this.#handlers.lost?.(loss),
      dialled: (dialled) => this.#use(dialled),
      unanswered: () => this.#drop("no answer came"),
      refused: ({ code, message }) => this.#finish({ kind: "error", code, message }),
      gaveUp: (closeCode, reason) => this.#finish({ kind: "lost", closeCode, reason, opened: true }),
    });
  }

  #use(dialled: Dialled): void {
    const { socket } = dialled;
    const isCurrent = (): boolean => this.#dialled === dialled;
    this.#dialled = dialled;
    this.#latest = dialled;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#opened = true;
      // On later sockets what was said waits for `attached`.
      if (isCurrent() && !this.#isLost) this.#sendEarly();
    };
    socket.onmessage = ({ data }) => isCurrent() && this.#read(data, socket);
    socket.onclose = ({ code, reason }) => isCurrent() && this.#closed(code, reason, dialled.refusal?.());
    // Every error is followed by a close, which says more; without a listener ws would throw it.
    socket.onerror = () => {};
  }

  #read(data: unknown, socket: WebSocketLike): void {
    if (this.#isOver) return;
    this.#silence.heard();
    try {
      const message = typeof data === "string" ? decodeServer(data, false) : decodeServer(new Uint8Array(data as ArrayBuffer), true);
      if (message === undefined) return;
      if (message.type !== "attached") this.#redialer?.proven();
      // Credit is not ordered with output, and a writer must not wait for a reader.
      if (message.type === "accepted") this.#stdin.accept(message.bytes);
      else this.#note(message);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#finish({ kind: "lost", closeCode: error.closeCode, reason: error.message, opened: true });
      socket.close(error.closeCode);
    }
  }

  /** Keeps what a later connection must know, and hands the message on to be handled in its turn. */
  #note(message: Exclude<ServerMessage, { type: "accepted" }>): void {
    switch (message.type) {
      case "attached":
        this.#attached(message);
        break;
      case "output":
        this.#received += message.bytes.byteLength;
        break;
      case "gap":
        this.#received = message.to;
        break;
      case "exit":
        this.#finish({ kind: "exit", exit: message });
        return;
      case "error":
        this.#finish({ kind: "error", code: message.code, message: message.message });
        return;
    }
    this.#receive(message);
  }

  #attached({ session, client, offset, stdinOffset, stdinWindow, heartbeatMs = 0 }: AttachedMessage): void {
    this.#silence.begin(heartbeatMs);
    const isBack = this.#isLost;
    this.#place = { session, client };
    this.#received = offset;
    this.#redialer?.stop();
    if (isBack && this.#size !== undefined) this.#send({ type: "resize", ...this.#size });
    this.#stdin.open(stdinOffset, stdinWindow);
    this.#sendEarly();
  }

  #handle(message: Incoming): void | Promise<void> {
    switch (message.type) {
      case "attached":
        return this.#handlers.attached?.(message);
      case "output":
        return this.#handlers.output(message);
      case "gap":
        return this.#handlers.gap?.(message.from, message.to);
      case "resized":
        return this.#handlers.resized?.(message.cols, message.rows);
      case "clients":
        return this.#handlers.clients?.(message.clients);
      case "over":
        return this.#settle(message.end);
    }
  }

  /** Nothing more is sent or dialled; the end is told when what came before it is handled. */
  #finish(end: ConnectionEnd): void {
    if (this.#isOver) return;
    this.#stop();
    this.#receive({ type: "over", end });
  }

  /** A handler that threw has lost its place in the output: nothing more can be told in order. */
  #abandon(error: unknown): void {
    this.#stop();
    this.#fail(error);
    this.#dialled?.socket.close(1000);
  }

  #stop(): void {
    this.#isOver = true;
    this.#silence.stop();
    this.#redialer?.stop();
    this.#stdin.close();
  }

  #closed(closeCode: number, reason: string, refusal: Refusal | undefined): void {
    this.#dialled = undefined;
    if (this.#leaving === "closed" || (this.#leaving === "detached" && closeCode === 4409)) this.#finish({ kind: this.#leaving });
    else if (refusal?.isFinal && this.#place !== undefined) this.#finish({ kind: "error", code: refusal.code, message: refusal.message });
    else if (this.#redialer !== undefined && this.#place !== undefined && isResumable(closeCode)) {
      this.#lost(closeCode, refusal?.message ?? reason);
    } else this.#finish({ kind: "lost", closeCode, reason, opened: this.#opened });
  }

  #lost(closeCode: number, reason: string): void {
    if (this.#isOver) return;
    this.#silence.stop();
    this.#stdin.suspend();
    this.#redialer?.lost(() => ({ session: "", client: "", ...this.#place, offset: this.#received }), closeCode, reason);
  }

  #say(message: ClientMessage): void {
    if (this.#isOver) return;
    if (this.#isLost || this.#dialled?.socket.readyState === socketConnecting) this.#early.push(message);
    else this.#send(message);
  }

  #sendEarly(): void {
    const early = this.#early;
    this.#early = [];
    for (const message of early) this.#send(message);
  }

  #send(message: ClientMessage): void {
    const socket = this.#dialled?.socket;
    if (socket?.readyState === socketOpen) socket.send(encodeClient(message) as string | Uint8Array<ArrayBuffer>);
  }
}
