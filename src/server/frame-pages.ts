import { givePage, takePage } from "../exec/pages.ts";

const noMemory = new ArrayBuffer(0);

/**
 * The memory of what one socket has under way: frames lie one behind the other in a page, which is given back when the socket
 * has taken all of them. A client that keeps up has one page at work, which stays in the processor's cache.
 */
export class FramePages {
  /** How many frames of each page are under way. */
  readonly #counts = new Map<ArrayBufferLike, number>();
  /** The page that has room, and where. */
  #memory = noMemory;
  #used = 0;

  /** Memory of arbitrary content, in a page where it fits into one. */
  allocate(length: number): Buffer<ArrayBuffer> {
    if (this.#memory.byteLength - this.#used < length) {
      this.#memory = takePage().buffer;
      this.#used = 0;
    }
    if (this.#memory.byteLength < length) return Buffer.allocUnsafeSlow(length);
    const frame = Buffer.from(this.#memory, this.#used, length);
    this.#used += length;
    this.#counts.set(this.#memory, (this.#counts.get(this.#memory) ?? 0) + 1);
    return frame;
  }

  /** Takes back what was allocated once; memory of another kind is left alone. */
  free(frame: Uint8Array): void {
    const count = this.#counts.get(frame.buffer);
    if (count === undefined) return;
    if (count > 1) {
      this.#counts.set(frame.buffer, count - 1);
      return;
    }
    this.#counts.delete(frame.buffer);
    if (frame.buffer === this.#memory) [this.#memory, this.#used] = [noMemory, 0];
    givePage(frame);
  }
}
