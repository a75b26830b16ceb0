import type { ClientMessage } from "../wire/codec.ts";

/** Small enough that the server's `accepted` frees the window in steps, large enough that a frame's head costs nothing. */
const frameBytesMax = 65_536;

interface Write {
  /** Undefined for the end of input. */
  readonly bytes: Uint8Array | undefined;
  readonly done: (sent: boolean) => void;
}

/**
 * Stdin on its way to the server, held back so that never more than the window is sent beyond what was accepted: the
 * server reads nothing behind an excess, neither ^C nor a resize.
 */
export class StdinQueue {
  readonly #send: (message: ClientMessage) => void;
  readonly #writes: Write[] = [];
  #headSent = 0;
  #sent = 0;
  #limit = 0;
  #window = 0;
  #closed = false;

  constructor(send: (message: ClientMessage) => void) {
    this.#send = send;
  }

  /** Credit is known from here on: `offset` bytes were accepted before, `window` more may follow. */
  open(offset: number, window: number): void {
    this.#sent = offset;
    this.#window = window;
    this.accept(offset);
  }

  /** The server has taken in `bytes` so far. */
  accept(bytes: number): void {
    this.#limit = Math.max(this.#limit, bytes + this.#window);
    this.#pump();
  }

  /** Resolves with true when all is sent, with false when the connection ended first. `undefined` is the end of input. */
  write(bytes: Uint8Array | undefined): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    return new Promise((done) => {
      this.#writes.push({ bytes, done });
      this.#pump();
    });
  }

  close(): void {
    this.#closed = true;
    for (const write of this.#writes.splice(0)) write.done(false);
  }

  #pump(): void {
    // Without a window no `attached` was seen yet, and where the count of stdin begins is not known.
    while (this.#window > 0 && !this.#closed) {
      const write = this.#writes[0];
      if (write === undefined || !this.#sendFrom(write)) return;
      this.#writes.shift();
      this.#headSent = 0;
      write.done(true);
    }
  }

  /** Sends as much of `write` as there is credit for; says whether that was all of it. */
  #sendFrom({ bytes }: Write): boolean {
    if (bytes === undefined) {
      this.#send({ type: "eof" });
      return true;
    }
    while (this.#headSent < bytes.byteLength) {
      const length = Math.min(bytes.byteLength - this.#headSent, this.#limit - this.#sent, frameBytesMax);
      if (length <= 0) return false;
      const part = bytes.subarray(this.#headSent, this.#headSent + length);
      this.#headSent += length;
      this.#sent += length;
      this.#send({ type: "stdin", bytes: part });
    }
    return true;
  }
}
