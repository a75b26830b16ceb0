import type { Clock } from "./clock.ts";

const minuteMs = 60_000;

/** How much somebody has done lately: it sinks evenly with time, by what is allowed a minute. */
interface Level {
  count: number;
  atMs: number;
}

/** Counts what each of many does against a number a minute: a minute's worth may come at once, then it goes on evenly. */
export class Rate {
  readonly #clock: Clock;
  /** Who did something last stands last. Nobody is kept for longer than the minute after which nothing is left of a level. */
  readonly #levels = new Map<string, Level>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one more of `who`. Returns undefined, or without counting it the seconds after which there is room for it. */
  take(who: string, perMinute: number): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    this.#forgetOld(nowMs);
    const { count, atMs } = this.#levels.get(who) ?? { count: 0, atMs: nowMs };
    const left = Math.max(0, count - ((nowMs - atMs) * perMinute) / minuteMs);
    const excess = left + 1 - perMinute;
    // What is over by less than a rounding error is not over.
    if (excess > 1e-9) return Math.ceil((excess * 60) / perMinute);
    this.#levels.delete(who);
    this.#levels.set(who, { count: left + 1, atMs: nowMs });
    return undefined;
  }

  #forgetOld(nowMs: number): void {
    for (const [who, { atMs }] of this.#levels) {
      if (nowMs - atMs < minuteMs) return;
      this.#levels.delete(who);
    }
  }
}
