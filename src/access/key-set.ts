import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../exec/clock.ts";

/** Where a key set stands, which is configured and never taken from a token. */
export interface KeySource {
  /** Its URL or path. */
  readonly name: string;
  /** How old what was read may get before it is read again, milliseconds. */
  readonly freshMs: number;
  /** How long it is left alone after it was read in vain, for a key that is not in it or because it failed, milliseconds. */
  readonly pauseMs: number;
  /** Reads the whole text, bounded in bytes and time. */
  read(): Promise<string>;
}

/** Where the set tells what it could not do. */
export interface KeyLog {
  warn(facts: object, message: string): void;
}

/** More keys than any issuer publishes. */
const keysMax = 100;

/**
 * The public keys of an issuer. They are read again when they are old and when a token names one that is not there, not
 * more often than the source's pause, and once for all who wait. When they cannot be read, those from before go on.
 */
export class KeySet {
  readonly #source: KeySource;
  readonly #clock: Clock;
  readonly #log: KeyLog;
  #keys: JWTVerifyGetKey | undefined;
  #readMs = Number.NEGATIVE_INFINITY;
  #triedMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(source: KeySource, clock: Clock, log: KeyLog) {
    this.#source = source;
    this.#clock = clock;
    this.#log = log;
  }

  /** The key that a token's header names. @throws jose's JWKSNoMatchingKey when there is none */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const isOld = this.#clock.monotonicMs() - this.#readMs >= this.#source.freshMs;
    const refreshed = isOld ? this.#refresh() : undefined;
    // Who can be checked by the keys that are there waits for no others: an issuer that hangs must not hold everybody up.
    if (this.#keys === undefined) await refreshed;
    try {
      return await this.#lookUp(header, token);
    } catch (cause) {
      if (!(cause instanceof errors.JWKSNoMatchingKey)) throw cause;
      // A key that is not known may be new.
      await this.#refresh();
      return await this.#lookUp(header, token);
    }
  };

  #lookUp(...wanted: Parameters<JWTVerifyGetKey>): ReturnType<JWTVerifyGetKey> {
    if (this.#keys === undefined) throw new errors.JWKSNoMatchingKey("no key is known yet");
    return this.#keys(...wanted);
  }

  /** Reads the set, unless that was done a moment ago. Never rejects. */
  async #refresh(): Promise<void> {
    if (this.#reading === undefined && this.#clock.monotonicMs() - this.#triedMs < this.#source.pauseMs) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    this.#triedMs = this.#clock.monotonicMs();
    try {
      this.#keys = createLocalJWKSet(parseKeySet(await this.#source.read()));
      this.#readMs = this.#clock.monotonicMs();
    } catch (cause) {
      const reason = cause instanceof Error ? [cause.message, causeOf(cause)].filter(Boolean).join(": ") : String(cause);
      const rest = this.#keys === undefined ? "no token of its issuer is accepted" : "the keys from before go on, new ones are refused";
      this.#log.warn({ jwks: this.#source.name, reason }, `the key set cannot be read: ${rest}`);
    }
  }
}

/** What a failed `fetch` hides behind its message. */
function causeOf({ cause }: Error): string {
  return cause instanceof Error ? cause.message : "";
}

function parseKeySet(text: string): JSONWebKeySet {
  const set = JSON.parse(text) as JSONWebKeySet;
  if (!Array.isArray(set?.keys)) throw new Error("it is no JSON Web Key Set: it has no list of keys");
  if (set.keys.length > keysMax) throw new Error(`it has more than ${keysMax} keys`);
  return set;
}
