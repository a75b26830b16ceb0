import { Refusal } from "./refusal.ts";
import type { WebSocketLike } from "./web-socket.ts";

/** Where a lost client goes on: its own place in a session, from the output byte `offset` on. */
export interface Place {
  readonly session: string;
  readonly client: string;
  readonly offset: number;
}

/** A WebSocket that is being opened. */
export interface Dialled {
  readonly socket: WebSocketLike;
  /** Why it was never let in, once it is closed; undefined where that is not known, as to a page. */
  refusal?(): Refusal | undefined;
}

/** How a lost connection is made anew. */
export interface ResumeOptions {
  /** Opens `attach` at this place. @throws Refusal when it is known before that the place cannot be had */
  dial(place: Place): Promise<Dialled>;
  /** How long it is tried, milliseconds: the session's own `keepMs`. */
  readonly withinMs: number;
}

/** A connection that is lost, and when it is dialled again. */
export interface Loss {
  /** How often it was tried since the loss. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly closeCode: number;
  readonly reason: string;
}

export interface RedialEvents {
  /** It will be tried, now or in a moment. */
  waiting(loss: Loss): void;
  dialled(dialled: Dialled): void;
  /** The attempt takes too long: it is to be let go, and told to be lost. */
  unanswered(): void;
  refused(refusal: Refusal): void;
  /** The time is over. */
  gaveUp(closeCode: number, reason: string): void;
}

/**
 * How long the first attempt may take until the connection stands, and later ones: a request into a network that says nothing
 * has no end of its own in a page, and a browser may send the first by a connection that is as dead as the one that was lost.
 */
const attemptMsMin = 5000;
const attemptMsMax = 20_000;
const delayMsMin = 100;
const delayMsMax = 5000;
/** A connection that stood so long, or brought anything, was one; else somebody lets in and throws out, and is to be asked ever more seldom. */
const stoodMsMin = 1000;

/** Faults of the protocol, and refusals that another try does not change. 4408, too slow, is a matter of the line. */
const finalCodes = new Set([1002, 1003, 1007, 1008, 1009, 1010]);

/** Whether a connection that was closed by this code is worth being dialled again. */
export function isResumable(closeCode: number): boolean {
  return closeCode === 4408 || (closeCode < 4400 && !finalCodes.has(closeCode));
}

/** How long to wait before the attempt of this number: the first comes at once, later ones ever more apart, and not all clients at the same time. */
function delayOf(attempt: number): number {
  if (attempt === 0) return 0;
  return Math.min(delayMsMax, delayMsMin * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}

/** Dials again and again, from a loss until somebody says that the connection stands, or the time is over. */
export class Redialer {
  readonly #options: ResumeOptions;
  readonly #events: RedialEvents;
  /** When the connection was lost that was one. */
  #lostAtMs: number | undefined;
  /** When the one that stands was let in; undefined while none stands. */
  #stoodAtMs: number | undefined = 0;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ResumeOptions, events: RedialEvents) {
    this.#options = options;
    this.#events = events;
  }

  get isLost(): boolean {
    return this.#stoodAtMs === undefined;
  }

  /** The connection is lost, or an attempt has failed. `placeNow` says where to go on when it comes to that. */
  lost(placeNow: () => Place, closeCode: number, reason: string): void {
    if (this.#stoodAtMs !== undefined && performance.now() - this.#stoodAtMs > stoodMsMin) this.proven();
    this.#stoodAtMs = undefined;
    this.#lostAtMs ??= performance.now();
    const attempt = this.#attempt++;
    const delayMs = delayOf(attempt);
    if (performance.now() + delayMs > this.#lostAtMs + this.#options.withinMs) {
      this.#events.gaveUp(closeCode, reason);
      return;
    }
    this.#events.waiting({ attempt, delayMs, closeCode, reason });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#dial(placeNow), delayMs);
  }

  /** The connection is of use: the next loss is the first again. */
  proven(): void {
    this.#lostAtMs = undefined;
    this.#attempt = 0;
  }

  /** The connection stands, or is given up: what is still being dialled is not wanted. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stoodAtMs = performance.now();
  }

  async #dial(placeNow: () => Place): Promise<void> {
    const limitMs = Math.min(attemptMsMax, attemptMsMin * 2 ** (this.#attempt - 1));
    const limit = setTimeout(() => this.#events.unanswered(), limitMs);
    this.#timer = limit;
    // A newer attempt, or the end, has another timer.
    const isWanted = (): boolean => this.#timer === limit;
    try {
      const dialled = await this.#options.dial(placeNow());
      if (isWanted()) this.#events.dialled(dialled);
      else dialled.socket.close(1000);
    } catch (cause) {
      if (!isWanted()) return;
      if (cause instanceof Refusal && cause.isFinal) this.#events.refused(cause);
      else this.lost(placeNow, 1006, cause instanceof Error ? cause.message : String(cause));
    }
  }
}
