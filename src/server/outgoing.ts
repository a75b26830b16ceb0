import type { WebSocket } from "ws";
import type { Frame } from "../wire/codec.ts";

/**
 * Bytes that may wait in a socket before the next piece is taken from the log, and where taking goes on. The kernel's
 * own buffer keeps the line busy in between; more here would only make a resize or an ^C later.
 */
const highBytes = 512 * 1024;
const lowBytes = 128 * 1024;

/** The sending half of a WebSocket: counts what is under way and says when there is room for more. */
export class Outgoing {
  readonly #ws: WebSocket;
  #underWay = 0;
  #waiter: (() => void) | undefined;
  #isClosed = false;
  /** When bytes last moved, or began to wait, in the clock's milliseconds. */
  progressMs: number;
  readonly #nowMs: () => number;

  constructor(ws: WebSocket, nowMs: () => number) {
    this.#ws = ws;
    this.#nowMs = nowMs;
    this.progressMs = nowMs();
    ws.once("close", () => this.#close());
  }

  /** Bytes that the socket has not taken yet. */
  get underWay(): number {
    return this.#underWay;
  }

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
    if (this.#underWay === 0) this.progressMs = this.#nowMs();
    this.#underWay += frame.length;
    this.#ws.send(frame, (error) => {
      if (error) return;
      this.#underWay -= frame.length;
      this.progressMs = this.#nowMs();
      if (this.#underWay <= lowBytes) this.#wake();
    });
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}
