import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";

/** Failed credentials that one source may present within a minute. */
const failuresMax = 10;
const windowMs = 60_000;

/**
 * Slows guessing down: whoever has failed ten times within a minute is told to wait. It is asked only about failures, so
 * that a valid credential is never refused for its neighbours. Holds at most `sourcesMax` sources; of more, the one that
 * failed longest ago is forgotten.
 */
export class Guesses {
  readonly #clock: Clock;
  readonly #sourcesMax: number;
  /** When each source failed, oldest first; sources in the order of their last failure. */
  readonly #failures = new Map<string, number[]>();

  constructor(clock: Clock, sourcesMax = 10_000) {
    this.#clock = clock;
    this.#sourcesMax = sourcesMax;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** Counts a failure of `source`. @throws TOO_MANY_REQUESTS when it has had its ten, with the time until the next one */
  failed(source: string): void {
    const nowMs = this.#clock.monotonicMs();
    const times = (this.#failures.get(source) ?? []).filter((time) => time > nowMs - windowMs);
    const [oldest] = times;
    if (oldest !== undefined && times.length >= failuresMax) {
      const retryAfterS = Math.max(1, Math.ceil((oldest + windowMs - nowMs) / 1000));
      const message = `Too many credentials from this address were not valid; wait ${retryAfterS} s. A valid one is let in at any time.`;
      throw new ExecgateError("TOO_MANY_REQUESTS", message, { retryAfterS });
    }
    times.push(nowMs);
    this.#failures.delete(source);
    this.#failures.set(source, times);
    const [first] = this.#failures.keys();
    if (this.#failures.size > this.#sourcesMax && first !== undefined) this.#failures.delete(first);
  }
}
