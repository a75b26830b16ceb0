import type { WebSocket } from "ws";
import type { Clock } from "../exec/clock.ts";
import type { Frame } from "../wire/codec.ts";
import { FramePages } from "./frame-pages.ts";

/**
 * Bytes that may wait in a socket before the next piece is taken from the log, and where taking goes on. The kernel's
 * own buffer keeps the line busy in between; more here would only make a resize or an ^C later.
 */
const highBytes = 512 * 1024;
const lowBytes = 128 * 1024;

export interface OutgoingOptions {
  readonly clock: Clock;
  /** How long bytes may wait while none moves, milliseconds. */
  readonly stalledMs: number;
  /** Called once when that time is over. */
  onStalled(): void;
}

/** The sending half of a WebSocket: counts what is under way, says when there is room for more, and when nothing moves. */
export class Outgoing {
  readonly #ws: WebSocket;
  readonly #options: OutgoingOptions;
  readonly #pages = new FramePages();
  #underWay = 0;
  #waiter: (() => void) | undefined;
  #isClosed = false;
  /** When bytes last moved, or began to wait, in the clock's milliseconds. */
  #progressMs = 0;
  #cancelWatch: (() => void) | undefined;

  constructor(ws: WebSocket, options: OutgoingOptions) {
    this.#ws = ws;
    this.#options = options;
    ws.once("close", () => this.#close());
  }

  /** Bytes that the socket has not taken yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Memory for a frame that is sent next. */
  readonly allocate = (length: number): Buffer<ArrayBuffer> => this.#pages.allocate(length);

  send(frames: readonly Frame[]): void {
    for (const frame of frames) this.#sendOne(frame);
  }

  /** Undefined when there is room; else a promise that resolves when there is, or when the socket is closed. */
  room(): Promise<void> | undefined {
    if (this.#underWay <= highBytes || this.#isClosed) return undefined;
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  #sendOne(frame: Frame): void {
    if (this.#isClosed) return;
    if (this.#underWay === 0) this.#progressMs = this.#options.clock.monotonicMs();
    this.#underWay += frame.length;
    if (this.#cancelWatch === undefined) this.#watch(this.#options.stalledMs);
    this.#ws.send(frame, (error) => {
      if (error) return;
      if (typeof frame !== "string") this.#pages.free(frame);
      this.#underWay -= frame.length;
      this.#progressMs = this.#options.clock.monotonicMs();
      if (this.#underWay <= lowBytes) this.#wake();
    });
  }

  /** Comes by when bytes can have waited too long; armed by the first that waits, and no more than once. */
  #watch(ms: number): void {
    const { clock, stalledMs, onStalled } = this.#options;
    this.#cancelWatch = clock.after(ms, () => {
      this.#cancelWatch = undefined;
      if (this.#underWay === 0) return;
      const restMs = this.#progressMs + stalledMs - clock.monotonicMs();
      if (restMs > 0) this.#watch(restMs);
      else onStalled();
    });
  }

  #close(): void {
    this.#isClosed = true;
    this.#cancelWatch?.();
    this.#wake();
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}
