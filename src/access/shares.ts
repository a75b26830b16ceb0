import { randomBytes } from "node:crypto";
import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import { createId } from "../exec/id.ts";
import type { ExecRequest } from "../exec/request.ts";
import type { Session } from "../exec/session.ts";
import type { Principal } from "./principal.ts";
import { digestOf } from "./static-tokens.ts";

/** Leave to watch one session, and nothing else, for whoever knows its secret. */
export interface Share {
  readonly id: string;
  /** The session's id. */
  readonly session: string;
  /** What the session runs. */
  readonly request: ExecRequest;
  /** Who gave it out: it is worth what they may do themselves, at any time. */
  readonly issuer: Principal;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

interface Kept {
  readonly share: Share;
  readonly digest: string;
  /** Ends each viewer that came by it. */
  readonly viewers: Set<() => void>;
  cancel(): void;
}

/**
 * The shares that there are: 256 bits each, known by their digest. When the store is full no more are given out, so that
 * nobody's share is lost to somebody else's.
 */
export class Shares {
  readonly #clock: Clock;
  readonly #sharesMax: number;
  readonly #byDigest = new Map<string, Kept>();
  readonly #byId = new Map<string, Kept>();

  constructor(clock: Clock, { sharesMax }: { readonly sharesMax: number }) {
    this.#clock = clock;
    this.#sharesMax = sharesMax;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Gives out a share of `session`, which lives no longer than the session does.
   * @throws OVERLOADED when there are too many
   */
  issue(session: Session, issuer: Principal, livesMs: number): { readonly share: Share; readonly secret: string } {
    if (this.#byId.size >= this.#sharesMax) {
      throw new ExecgateError("OVERLOADED", `There are ${this.#sharesMax} shares already; revoke one, or wait until one expires.`);
    }
    const now = this.#clock.now();
    const share: Share = Object.freeze({
      id: createId(now),
      session: session.id,
      request: session.request,
      issuer,
      expiresAt: now + livesMs,
    });
    const secret = randomBytes(32).toString("base64url");
    const digest = digestOf(secret);
    const cancel = this.#clock.after(livesMs, () => this.#end(kept));
    const kept: Kept = { share, digest, viewers: new Set(), cancel };
    this.#byDigest.set(digest, kept);
    this.#byId.set(share.id, kept);
    // Whoever watches then is told the end of the session itself.
    void session.finished.then(() => this.#forget(kept));
    return { share, secret };
  }

  /** @throws UNAUTHENTICATED when there is none, or it is over */
  redeem(secret: string): Share {
    const kept = this.#byDigest.get(digestOf(secret));
    if (kept === undefined)
      throw new ExecgateError("UNAUTHENTICATED", "The share is not valid, was revoked, has expired, or its session is over.");
    return kept.share;
  }

  /** Calls `end` when the share is over, until the returned function is called. */
  watch({ id }: Share, end: () => void): () => void {
    const kept = this.#byId.get(id);
    if (kept === undefined) {
      end();
      return () => undefined;
    }
    kept.viewers.add(end);
    return () => kept.viewers.delete(end);
  }

  /** Ends a share of this session and those who watch by it. @throws NOT_FOUND */
  revoke(session: string, id: string): void {
    const kept = this.#byId.get(id);
    if (kept?.share.session !== session) throw new ExecgateError("NOT_FOUND", "The session has no such share, or it is over.");
    this.#end(kept);
  }

  /** Forgets all of them, and leaves no timer behind. */
  close(): void {
    for (const kept of [...this.#byId.values()]) this.#forget(kept);
  }

  #end(kept: Kept): void {
    this.#forget(kept);
    for (const end of [...kept.viewers]) end();
  }

  #forget({ share, digest, cancel }: Kept): void {
    cancel();
    this.#byDigest.delete(digest);
    this.#byId.delete(share.id);
  }
}
