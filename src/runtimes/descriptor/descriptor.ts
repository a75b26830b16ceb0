import { constants } from "node:os";
import { addon, type Poll, READABLE, WRITABLE } from "./native.ts";

const again = -constants.errno.EAGAIN;

/** Whether a read or write failed only because the descriptor is not ready. */
export function isAgain(result: number): boolean {
  return result === again;
}

/**
 * A non-blocking descriptor and the one poll that libuv allows on it, shared by a reader and a writer. The poll exists
 * from the first wait on, so that an input that is never full costs none.
 */
export class Descriptor {
  readonly #fd: number;
  #poll: Poll | undefined;
  #onReadable: (() => void) | undefined;
  #onWritable: (() => void) | undefined;
  #open = true;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The number, undefined once it is closed: then it may be somebody else's. */
  get fd(): number | undefined {
    return this.#open ? this.#fd : undefined;
  }

  /** Bytes read, 0 at the end, or a negative errno. */
  read(bytes: Uint8Array, length: number): number {
    return this.#open ? addon.read(this.#fd, bytes, 0, length) : 0;
  }

  /** Bytes accepted, or a negative errno. */
  write(bytes: Uint8Array, offset: number, length: number): number {
    return this.#open ? addon.write(this.#fd, bytes, offset, length) : -constants.errno.EBADF;
  }

  /** Bytes that can be read at once. */
  available(): number {
    return this.#open ? Math.max(0, addon.available(this.#fd)) : 0;
  }

  /** Calls back once, when a read would tell something. */
  whenReadable(callback: () => void): void {
    this.#onReadable = callback;
    this.#arm(READABLE);
  }

  /** Calls back once, when a write would tell something. */
  whenWritable(callback: () => void): void {
    this.#onWritable = callback;
    this.#arm(WRITABLE);
  }

  ignoreReadable(): void {
    this.#onReadable = undefined;
    this.#poll?.disarm(READABLE);
  }

  /** What is waited for does not keep the process from ending. */
  unref(): void {
    this.#poll?.unref();
  }

  /** Idempotent; waits are forgotten. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#onReadable = undefined;
    this.#onWritable = undefined;
    this.#poll?.close();
    this.#poll = undefined;
    addon.close(this.#fd);
  }

  #arm(events: number): void {
    if (!this.#open) return;
    this.#poll ??= new addon.Poll(this.#fd, (ready) => this.#ready(ready));
    this.#poll.arm(events);
  }

  #ready(events: number): void {
    const readable = events & READABLE ? this.#onReadable : undefined;
    const writable = events & WRITABLE ? this.#onWritable : undefined;
    if (readable) this.#onReadable = undefined;
    if (writable) this.#onWritable = undefined;
    readable?.();
    writable?.();
  }
}
