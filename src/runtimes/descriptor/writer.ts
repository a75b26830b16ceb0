import type { Descriptor } from "./descriptor.ts";
import { isAgain } from "./descriptor.ts";

const endOfFile = 0x04;
const newline = 0x0a;

/** What one turn of the event loop writes at most, so that a fast reader does not hold up the others. */
const bytesPerTurn = 256 * 1024;

interface Pending {
  /** Undefined is the end of the input. */
  readonly bytes: Uint8Array | undefined;
  offset: number;
  readonly resolve: () => void;
}

/** Ordered writes to a pipe or a terminal's master: what does not fit waits for room, with nothing copied. */
export class Writer {
  readonly #descriptor: Descriptor;
  readonly #isTerminal: boolean;
  #queue: Pending[] = [];
  #armed = false;
  #last = newline;
  /** Set when nobody can read any more, or the end was written: the rest is accepted and dropped. */
  #over = false;

  constructor(descriptor: Descriptor, isTerminal: boolean) {
    this.#descriptor = descriptor;
    this.#isTerminal = isTerminal;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#enqueue(bytes);
  }

  end(): Promise<void> {
    return this.#enqueue(undefined);
  }

  /** Drops what waits, whose writers are told that it is accepted. */
  close(): void {
    this.#over = true;
    if (!this.#isTerminal) this.#descriptor.close();
    this.#flush();
  }

  #enqueue(bytes: Uint8Array | undefined): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      this.#queue.push({ bytes, offset: 0, resolve });
      if (!this.#armed) this.#flush();
    });
  }

  #flush(): void {
    let budget = bytesPerTurn;
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const bytes = head.bytes ?? this.#ending();
      while (!this.#over && head.offset < bytes.length) {
        const wrote = budget > 0 ? this.#descriptor.write(bytes, head.offset, Math.min(bytes.length - head.offset, budget)) : 0;
        if (wrote === 0 || isAgain(wrote)) {
          this.#wait();
          return;
        }
        if (wrote < 0) this.#over = true;
        else this.#wrote(head, bytes, wrote);
        budget -= wrote;
      }
      if (!head.bytes) this.#finish();
      this.#queue.shift();
      head.resolve();
    }
  }

  #wrote(head: Pending, bytes: Uint8Array, count: number): void {
    head.offset += count;
    if (head.bytes) this.#last = bytes[head.offset - 1] ?? newline;
  }

  #wait(): void {
    this.#armed = true;
    this.#descriptor.whenWritable(() => {
      this.#armed = false;
      this.#flush();
    });
  }

  /** A terminal ends its input with ^D, which only sends an unfinished line off: then a second one is needed. */
  #ending(): Uint8Array {
    if (!this.#isTerminal) return new Uint8Array(0);
    return this.#last === newline || this.#last === endOfFile ? Uint8Array.of(endOfFile) : Uint8Array.of(endOfFile, endOfFile);
  }

  #finish(): void {
    if (this.#isTerminal) return;
    this.#over = true;
    this.#descriptor.close();
  }
}
