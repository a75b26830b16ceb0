import type { Clock } from "./clock.ts";

/** Something that takes time and whose result stays good for a while: however many ask, it is done once at a time. */
export class SharedRun<T> {
  readonly #run: () => Promise<T>;
  readonly #keptMs: number;
  readonly #clock: Clock;
  #running: Promise<T> | undefined;
  #last: { readonly result: T; readonly endedMs: number } | undefined;

  /** @param keptMs how long a result answers those who ask, milliseconds from the end of its run */
  constructor(run: () => Promise<T>, keptMs: number, clock: Clock) {
    this.#run = run;
    this.#keptMs = keptMs;
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** The last result, however old it is. */
  get last(): T | undefined {
    return this.#last?.result;
  }

  /** The result that is still good, else that of the run which is under way, else of a new one. */
  async get(): Promise<T> {
    const last = this.#last;
    if (last !== undefined && this.#clock.monotonicMs() - last.endedMs < this.#keptMs) return last.result;
    return await this.refresh();
  }

  /** The result of the run which is under way, else of a new one. */
  refresh(): Promise<T> {
    this.#running ??= this.#start().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #start(): Promise<T> {
    const result = await this.#run();
    this.#last = { result, endedMs: this.#clock.monotonicMs() };
    return result;
  }
}
