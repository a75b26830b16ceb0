/** How long a container is taken for one without a shell: a volume that has it may come later than the container. */
const rememberedMs = 60_000;
/** How many are remembered. */
const containersMax = 10_000;

/** What was found out by looking for the shell, before anything was started. */
export interface StreamsSeen {
  readonly canEndInput: boolean;
}

/**
 * The containers that were seen to have no shell, by their immutable ids. Each is looked at again after a minute; one that
 * is forgotten earlier costs its next command a failed exec.
 */
export class Shellless {
  readonly #now: () => number;
  readonly #seen = new Map<string, { readonly streams: StreamsSeen; readonly untilMs: number }>();

  /** @param now milliseconds of a clock that only goes on */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What was seen of its streams; undefined for one that is not known to have no shell. */
  get(id: string): StreamsSeen | undefined {
    const seen = this.#seen.get(id);
    if (seen === undefined || seen.untilMs > this.#now()) return seen?.streams;
    this.#seen.delete(id);
    return undefined;
  }

  add(id: string, streams: StreamsSeen): void {
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined && this.#seen.size >= containersMax) this.#seen.delete(oldest);
    this.#seen.set(id, { streams, untilMs: this.#now() + rememberedMs });
  }
}
