/**
 * Counts output that the terminal has parsed, from the session's start, and acknowledges it. What was only received is
 * not acknowledged: it may still wait in memory, and the command shall wait rather than that grow.
 */
export class ParsedCount {
  readonly #ack: (bytes: number) => void;
  #ackEvery = 0;
  #received = 0;
  #parsed = 0;
  #acked = 0;

  constructor(ack: (bytes: number) => void) {
    this.#ack = ack;
  }

  get unparsed(): number {
    return this.#received - this.#parsed;
  }

  /** A connection begins at byte `offset`. Four times a window the server hears of it: its window never runs dry, and nobody is kept busy. */
  begin(offset: number, window: number): void {
    this.#ackEvery = window / 4;
    this.skipTo(offset);
  }

  /** The next byte that comes is number `offset`, behind a gap. */
  skipTo(offset: number): void {
    if (this.unparsed === 0) this.#parsed = offset;
    this.#received = offset;
  }

  /** More has come; call what is returned when it is parsed. */
  receive(bytes: number): () => void {
    this.#received += bytes;
    const end = this.#received;
    return () => {
      this.#parsed = end;
      if (this.#parsed - this.#acked < this.#ackEvery && this.unparsed > 0) return;
      this.#acked = this.#parsed;
      this.#ack(this.#parsed);
    };
  }
}
