import { type ClientMessage, WireError } from "../wire/codec.ts";

/** Small enough that the server's `accepted` frees the window in steps, large enough that a frame's head costs nothing. */
const frameBytesMax = 65_536;

interface Write {
  /** Undefined for the end of input. */
  readonly bytes: Uint8Array | undefined;
  /** The number of its first byte, and of the one behind its last, counted from the first write. */
  readonly from: number;
  readonly to: number;
  /** Told once, when all of it was sent. */
  done: ((sent: boolean) => void) | undefined;
}

/**
 * Stdin on its way to the server, held back so that never more than the window is sent beyond what was accepted: the
 * server reads nothing behind an excess, neither ^C nor a resize. What was sent is kept until it is accepted, so that by
 * the next connection it goes on where the server says, with no byte lost and none sent for a second time.
 */
export class StdinQueue {
  readonly #send: (message: ClientMessage) => void;
  /** What is not accepted yet, and the end of input, whose acceptance nobody tells. */
  #writes: Write[] = [];
  /** The index of the first that is not sent in full. */
  #index = 0;
  #end = 0;
  #sent = 0;
  /** The most that was ever sent. */
  #sentMax = 0;
  #accepted = 0;
  #limit = 0;
  /** 0 while there is no connection whose count is known. */
  #window = 0;
  /** What the server had accepted before the first write. */
  #origin: number | undefined;
  #closed = false;

  constructor(send: (message: ClientMessage) => void) {
    this.#send = send;
  }

  /**
   * Credit is known from here on: `offset` bytes were accepted before, `window` more may follow.
   * @throws WireError when that is not what this queue has sent
   */
  open(offset: number, window: number): void {
    this.#origin ??= offset;
    const accepted = offset - this.#origin;
    if (accepted < this.#accepted || accepted > this.#sentMax) {
      throw new WireError(4400, `the server has ${offset} bytes of stdin, which is not what was sent`);
    }
    this.#sent = accepted;
    this.#index = 0;
    this.#window = window;
    this.#limit = 0;
    this.accept(offset);
  }

  /** The server has taken in `bytes` so far. */
  accept(bytes: number): void {
    if (this.#origin === undefined) return;
    this.#accepted = Math.max(this.#accepted, bytes - this.#origin);
    this.#limit = Math.max(this.#limit, this.#accepted + this.#window);
    const kept = this.#writes.findIndex(({ bytes, to }) => bytes === undefined || to > this.#accepted);
    const gone = this.#writes.splice(0, kept < 0 ? this.#writes.length : kept);
    // A write whose bytes were all accepted by an earlier connection is sent, although not by this one.
    for (const write of gone) settle(write, true);
    this.#index = Math.max(0, this.#index - gone.length);
    this.#pump();
  }

  /** The connection is lost: nothing is sent until the next is open. */
  suspend(): void {
    this.#window = 0;
  }

  /** Resolves with true when all is sent, with false when it cannot be any more. `undefined` is the end of input. */
  write(bytes: Uint8Array | undefined): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    return new Promise((done) => {
      const from = this.#end;
      this.#end += bytes?.byteLength ?? 0;
      this.#writes.push({ bytes, from, to: this.#end, done });
      this.#pump();
    });
  }

  close(): void {
    this.#closed = true;
    for (const write of this.#writes.splice(0)) settle(write, false);
  }

  #pump(): void {
    while (this.#window > 0 && !this.#closed) {
      const write = this.#writes[this.#index];
      if (write === undefined || !this.#sendFrom(write)) return;
      this.#index++;
      settle(write, true);
    }
  }

  /** Sends as much of `write` as there is credit for; says whether that was all of it. */
  #sendFrom({ bytes, from, to }: Write): boolean {
    if (bytes === undefined) {
      this.#send({ type: "eof" });
      return true;
    }
    while (this.#sent < to) {
      const length = Math.min(to - this.#sent, this.#limit - this.#sent, frameBytesMax);
      if (length <= 0) return false;
      const part = bytes.subarray(this.#sent - from, this.#sent - from + length);
      this.#sent += length;
      this.#sentMax = Math.max(this.#sentMax, this.#sent);
      this.#send({ type: "stdin", bytes: part });
    }
    return true;
  }
}

function settle(write: Write, sent: boolean): void {
  write.done?.(sent);
  write.done = undefined;
}
