/** So many beats of the server may be missed. By then it has given this client up itself, after three. */
const beatsMissedMax = 4;
/** What a timer can wait at most; it then waits for the rest. */
const timerMsMax = 2 ** 31 - 1;

/**
 * Notices that a server is not heard any more. A network that goes without a word closes no socket, least of all for somebody
 * who only watches; and a page is told of no ping.
 */
export class Silence {
  readonly #onSilent: () => void;
  #patienceMs = 0;
  #heardAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onSilent: () => void) {
    this.#onSilent = onSilent;
  }

  /** The server is there, and says how often it will be heard, milliseconds; 0 is not at all. */
  begin(beatMs: number): void {
    this.stop();
    this.#patienceMs = beatMs * beatsMissedMax;
    this.heard();
    if (beatMs > 0) this.#wait(this.#patienceMs);
  }

  /** Cheap enough for every message: the timer looks for itself. */
  heard(): void {
    this.#heardAtMs = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(
      () => {
        const restMs = this.#heardAtMs + this.#patienceMs - performance.now();
        if (restMs > 0) this.#wait(restMs);
        else this.#onSilent();
      },
      Math.min(ms, timerMsMax),
    );
  }
}
