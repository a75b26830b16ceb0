/** How long a container is taken for one without a shell: a volume that has it may come later than the container. */
const rememberedMs = 60_000;
/** How many are remembered. */
const containersMax = 10_000;

/**
 * The containers that were seen to have no shell, by their immutable ids. Each is looked at again after a minute; one that
 * is forgotten earlier costs its next command a failed exec.
 */
export class Shellless {
  readonly #now: () => number;
  readonly #untilMs = new Map<string, number>();

  /** @param now milliseconds of a clock that only goes on */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  has(id: string): boolean {
    const untilMs = this.#untilMs.get(id);
    if (untilMs === undefined || untilMs > this.#now()) return untilMs !== undefined;
    this.#untilMs.delete(id);
    return false;
  }

  add(id: string): void {
    const [oldest] = this.#untilMs.keys();
    if (oldest !== undefined && this.#untilMs.size >= containersMax) this.#untilMs.delete(oldest);
    this.#untilMs.set(id, this.#now() + rememberedMs);
  }
}
