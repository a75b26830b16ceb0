import { createHash } from "node:crypto";
import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import type { Session } from "../exec/session.ts";
import type { Sessions } from "../exec/sessions.ts";

/** How long a key stands for its first run, milliseconds. */
const keptMs = 10 * 60 * 1000;
/** Keys remembered at the same time; further ones are refused, because forgetting one would let its command run twice. */
const keysMax = 100_000;

interface Entry {
  readonly fingerprint: string;
  /** The id of the session, as soon as it is admitted. */
  readonly session: Promise<string>;
  /** Ends the timer that forgets the key. */
  cancel(): void;
}

/** Makes a repeat with the same key join the first run. */
export class IdempotencyKeys {
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(sessions: Sessions, clock: Clock) {
    this.#sessions = sessions;
    this.#clock = clock;
  }

  /**
   * The session that stands for `key`: the one `begin` makes, or the one that it made before.
   * @param scope what keys are counted within: the principal
   * @param body the request, which must be the same at each repeat
   * @throws IDEMPOTENCY_KEY_REUSED; OVERLOADED with too many keys; SESSION_NOT_FOUND when the first run's answer is no longer kept
   */
  async join(key: string, scope: string, body: unknown, begin: () => Promise<Session>): Promise<Session> {
    const name = `${scope}\n${key}`;
    const fingerprint = createHash("sha256")
      .update(JSON.stringify(ordered(body)))
      .digest("base64");
    const entry = this.#entries.get(name);
    if (entry === undefined) return await this.#first(name, fingerprint, begin);
    if (entry.fingerprint !== fingerprint) {
      throw new ExecgateError("IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for another request; take a new one.");
    }
    const session = this.#sessions.get(await entry.session);
    if (session !== undefined) return session;
    throw new ExecgateError(
      "SESSION_NOT_FOUND",
      "The command of this Idempotency-Key ran, but its answer is no longer kept; it is not run again.",
    );
  }

  /** Forgets all keys, and leaves no timer behind. */
  close(): void {
    for (const entry of this.#entries.values()) entry.cancel();
    this.#entries.clear();
  }

  async #first(name: string, fingerprint: string, begin: () => Promise<Session>): Promise<Session> {
    if (this.#entries.size >= keysMax) throw new ExecgateError("OVERLOADED", "Too many idempotency keys are in use.", { retryAfterS: 60 });
    const begun = begin();
    const forget = (): void => {
      cancel();
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    };
    const cancel = this.#clock.after(keptMs, forget);
    const entry: Entry = { fingerprint, session: begun.then((session) => session.id), cancel };
    this.#entries.set(name, entry);
    // What was never started may be tried again under the same key.
    entry.session.catch(forget);
    return await begun;
  }
}

/** The same value with the keys of its objects in order: the order in which a client writes fields says nothing. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, ordered(item)]));
}

/**
 * Reads the header. @throws BAD_REQUEST when it is empty, longer than 256 characters, or has others than printable ones
 */
export function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && /^[\x21-\x7e]{1,256}$/.test(header)) return header;
  throw new ExecgateError("BAD_REQUEST", "Idempotency-Key must be 1 to 256 printable characters.", { field: "Idempotency-Key" });
}
