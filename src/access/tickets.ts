import { randomBytes } from "node:crypto";
import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import type { Principal } from "./principal.ts";
import { digestOf } from "./static-tokens.ts";

/** How long a ticket waits to be used, milliseconds. */
const livesMs = 30_000;

/** What tickets may take, all of them together. */
export interface TicketLimits {
  readonly ticketsMax: number;
  /** What their requests may take, bytes. */
  readonly ticketBytesMax: number;
}

/** What a ticket is bound to. */
export interface Ticket<Purpose> {
  readonly principal: Principal;
  /** The page that asked for it; undefined when it was no page. */
  readonly origin: string | undefined;
  /** The very request that it is for. */
  readonly purpose: Purpose;
}

interface Kept<Purpose> {
  readonly ticket: Ticket<Purpose>;
  readonly bytes: number;
  /** Ends the timer that forgets it. */
  cancel(): void;
}

/**
 * Credentials for one WebSocket each: 256 bits, used once, known by their digest. When the store is full no more are given
 * out, so that nobody's ticket is lost to somebody else's.
 */
export class Tickets<Purpose> {
  readonly #clock: Clock;
  readonly #limits: TicketLimits;
  readonly #kept = new Map<string, Kept<Purpose>>();
  #bytes = 0;

  constructor(clock: Clock, limits: TicketLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** @param bytes about what keeping it takes. @throws OVERLOADED when too many wait to be used */
  issue(ticket: Ticket<Purpose>, bytes: number): { secret: string; expiresAt: number } {
    const { ticketsMax, ticketBytesMax } = this.#limits;
    if (this.#kept.size >= ticketsMax || this.#bytes + bytes > ticketBytesMax) {
      throw new ExecgateError("OVERLOADED", "Too many tickets wait to be used; try again later.", { retryAfterS: livesMs / 1000 });
    }
    const secret = randomBytes(32).toString("base64url");
    const digest = digestOf(secret);
    const cancel = this.#clock.after(livesMs, () => this.#take(digest));
    this.#kept.set(digest, { ticket, bytes, cancel });
    this.#bytes += bytes;
    return { secret, expiresAt: this.#clock.now() + livesMs };
  }

  /**
   * Uses a ticket up, whatever comes of it.
   * @throws UNAUTHENTICATED when there is none, or it was given to another page
   */
  redeem(secret: string, origin: string | undefined): Ticket<Purpose> {
    const ticket = this.#take(digestOf(secret));
    if (ticket === undefined) throw new ExecgateError("UNAUTHENTICATED", "The ticket is not valid, was used, or is older than 30 s.");
    if (ticket.origin !== origin) throw new ExecgateError("UNAUTHENTICATED", "The ticket was given to another page.");
    return ticket;
  }

  /** Forgets all of them, and leaves no timer behind. */
  close(): void {
    for (const digest of [...this.#kept.keys()]) this.#take(digest);
  }

  #take(digest: string): Ticket<Purpose> | undefined {
    const kept = this.#kept.get(digest);
    if (kept === undefined) return undefined;
    kept.cancel();
    this.#kept.delete(digest);
    this.#bytes -= kept.bytes;
    return kept.ticket;
  }
}
