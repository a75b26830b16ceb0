import type { Clock } from "./clock.ts";

/** How long a run may take, and how long it may stand still, in milliseconds; 0 is for ever. */
export interface RunTimes {
  readonly timeoutMs: number;
  readonly idleMs: number;
}

/** The timers of one run. They are gone with the run: the abort of its signal clears them. */
export class RunTimers {
  readonly #clock: Clock;
  readonly #run: AbortSignal;
  #movedMs = 0;

  constructor(clock: Clock, run: AbortSignal) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Begins to count, from now; says once which time is over first. */
  arm({ timeoutMs, idleMs }: RunTimes, over: (reason: "timeout" | "idle") => void): void {
    if (timeoutMs > 0) this.#after(timeoutMs, () => over("timeout"));
    this.moved(this.#clock.monotonicMs());
    const watch = (): void => {
      const restMs = this.#movedMs + idleMs - this.#clock.monotonicMs();
      if (restMs <= 0) over("idle");
      else this.#after(restMs, watch);
    };
    if (idleMs > 0) watch();
  }

  /** Input or output moved. Only the time is noted: a byte arms no timer again. */
  moved(nowMs: number): void {
    this.#movedMs = nowMs;
  }

  #after(ms: number, then: () => void): void {
    if (this.#run.aborted) return;
    const clear = this.#clock.after(ms, () => {
      this.#run.removeEventListener("abort", clear);
      then();
    });
    this.#run.addEventListener("abort", clear, { once: true });
  }
}
