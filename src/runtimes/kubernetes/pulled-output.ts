import type { Chunk, OutputSource } from "../../exec/runtime.ts";

/** What is held of a stream that nobody reads at the moment. */
const heldBytesMax = 64 * 1024;

/** The source that output is pulled from. */
interface Flow {
  pause(): void;
  resume(): void;
}

/** Output between a socket that pushes and a reader that pulls: the socket is paused while the reader is behind. */
export class PulledOutput implements OutputSource {
  readonly #flow: Flow;
  #held: Chunk[] = [];
  #heldBytes = 0;
  #isPaused = false;
  /** Nothing more is taken. */
  #isOver = false;
  /** What does not fit is let go. */
  #isFlushing = false;
  #isWhole = false;
  #waiting: ((chunk: Chunk | undefined) => void) | undefined;
  #begin!: (isSomething: boolean) => void;
  /** Settles with the first output, true, or with an end before any, false. */
  readonly begun: Promise<boolean> = new Promise((resolve) => {
    this.#begin = resolve;
  });

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  get complete(): boolean {
    return this.#isWhole && this.#held.length === 0;
  }

  /** True while the reader keeps the socket from being read. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  next(): Promise<Chunk | undefined> {
    const chunk = this.#held.shift();
    if (chunk !== undefined) this.#heldBytes -= chunk.bytes.length;
    if (this.#held.length === 0) this.#resume();
    if (chunk !== undefined || this.#isOver) return Promise.resolve(chunk);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Behind the end of the command everything has arrived; before it, only what is held here is known to have. */
  cut(): void {
    this.#end();
  }

  push(chunk: Chunk): void {
    if (this.#isOver) return;
    this.#begin(true);
    if (this.#waiting !== undefined) {
      this.#deliver(chunk);
      return;
    }
    if (this.#isFlushing && this.#heldBytes >= heldBytesMax) {
      this.#end();
      return;
    }
    this.#held.push(chunk);
    this.#heldBytes += chunk.bytes.length;
    if (this.#heldBytes >= heldBytesMax && !this.#isFlushing) this.#pause();
  }

  /** Puts back what was read too much. */
  unread(chunk: Chunk): void {
    this.#held.unshift(chunk);
    this.#heldBytes += chunk.bytes.length;
  }

  /** Lets the rest come, although nobody reads: for what stands behind it. What is more than may be held is let go. */
  flush(): void {
    this.#isFlushing = true;
    this.#resume();
  }

  /** The stream has ended: `isWhole` when it was seen to its end. */
  finish(isWhole: boolean): void {
    if (!this.#isOver) this.#isWhole = isWhole;
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#begin(false);
    this.#resume();
    if (this.#held.length === 0) this.#deliver(undefined);
  }

  #deliver(chunk: Chunk | undefined): void {
    const resolve = this.#waiting;
    this.#waiting = undefined;
    resolve?.(chunk);
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#flow.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#flow.resume();
  }
}
