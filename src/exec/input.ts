import type { Clock } from "./clock.ts";
import type { Size } from "./runtime.ts";

/** Stdin bytes that a client may have waiting, beyond which it is not read: its credit. */
export const stdinWindow = 256 * 1024;
/** Pieces below this that have to wait are put together, so that what waits takes little more than its bytes. */
const smallBytes = 1024;
const pageBytes = 4096;
/** The client is told at least every so many bytes what was accepted. */
const acceptedEvery = 64 * 1024;
/** Sizes are applied at most this often, milliseconds: a person who drags a window sees no more, and a storm of them costs little. */
const resizeEveryMs = 15;

/** Where the input goes: a session. */
export interface InputSink {
  write(bytes: Uint8Array): Promise<void>;
  endInput(): Promise<void>;
  resize(size: Size, origin: string): Promise<void>;
}

export interface InputEvents {
  /** So many bytes of this client's stdin were accepted since it came. */
  accepted?(bytes: number): void;
  /** Whether the client is within its credit; beyond it nothing more is to be read from it. */
  credit?(isWithin: boolean): void;
  /** The runtime could not take what was sent; nothing more is given to it. */
  failed?(cause: unknown): void;
}

/**
 * What one client sends, numbered from its first byte, whatever becomes of its connections: stdin waits here, in order,
 * until the command takes it, while sizes and signals pass by. A burst of sizes becomes one, which is applied before any
 * stdin that came after it.
 *
 * What was handed to the session is taken; that is the count which a client that comes back is told, and from which it
 * sends again. What only waits is still given to the command while the client is away, and forgotten when it is back: it
 * comes once more then.
 */
export class ClientInput {
  readonly #sink: InputSink;
  readonly #client: string;
  readonly #clock: Clock;
  #events: InputEvents = {};
  #queue: (Uint8Array | "eof")[] = [];
  /** The page that the last waiting piece lies in. */
  #page: Buffer | undefined;
  #isEnded = false;
  /** Bytes that wait, those that the session is about to accept among them. */
  #queuedBytes = 0;
  #takenBytes = 0;
  #acceptedBytes = 0;
  /** What the client was told last: when it came, what was taken, whether or not all of that was accepted by then. */
  #reportedBytes = 0;
  /** The last size that was asked for and not applied yet. */
  #size: Size | undefined;
  #appliedSizeMs = Number.NEGATIVE_INFINITY;
  #cancelApplying: (() => void) | undefined;
  #isRunning = false;
  #isOpen = false;

  constructor(sink: InputSink, client: string, clock: Clock) {
    this.#sink = sink;
    this.#client = client;
    this.#clock = clock;
  }

  /** Bytes that were handed to the session so far. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** The client is there, by a new connection. Returns how many bytes of its stdin are taken: the next one it sends is of that number. */
  connect(events: InputEvents): number {
    this.#events = events;
    if (this.#queue.includes("eof")) this.#isEnded = false;
    this.#queue = [];
    this.#page = undefined;
    this.#queuedBytes = this.#takenBytes - this.#acceptedBytes;
    this.#reportedBytes = this.#takenBytes;
    return this.#takenBytes;
  }

  /** The client is away; what it sent goes in all the same. */
  disconnect(): void {
    this.#events = {};
  }

  /** The command runs: what came early goes in now. */
  open(): void {
    this.#isOpen = true;
    this.#run();
  }

  /** The client will not come back, and with it goes what nobody took. */
  close(): void {
    this.#queue = [];
  }

  stdin(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    this.#enqueue(bytes);
    this.#queuedBytes += bytes.length;
    if (!this.#isWithinCredit) this.#events.credit?.(false);
    this.#run();
  }

  eof(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#queue.push("eof");
    this.#run();
  }

  resize(size: Size): void {
    this.#size = size;
    if (!this.#isOpen) return;
    // Never in this turn of the loop, so that of a burst only the last one is applied.
    const restMs = this.#appliedSizeMs + resizeEveryMs - this.#clock.monotonicMs();
    this.#cancelApplying ??= this.#clock.after(Math.max(0, restMs), () => void this.#applySize());
  }

  get #isWithinCredit(): boolean {
    return this.#acceptedBytes + this.#queuedBytes - Math.max(this.#acceptedBytes, this.#reportedBytes) <= stdinWindow;
  }

  #enqueue(bytes: Uint8Array): void {
    const last = this.#queue.at(-1);
    if (last === undefined || last === "eof" || bytes.length >= smallBytes) {
      this.#page = undefined;
      this.#queue.push(bytes);
    } else if (this.#page !== undefined && last.length + bytes.length <= pageBytes) {
      this.#page.set(bytes, last.length);
      this.#queue[this.#queue.length - 1] = this.#page.subarray(0, last.length + bytes.length);
    } else {
      this.#page = Buffer.allocUnsafeSlow(pageBytes);
      this.#page.set(bytes);
      this.#queue.push(this.#page.subarray(0, bytes.length));
    }
  }

  #run(): void {
    if (this.#isRunning || !this.#isOpen) return;
    this.#isRunning = true;
    void this.#drain().then(
      () => {
        this.#isRunning = false;
        if (this.#queue.length > 0) this.#run();
      },
      (cause: unknown) => this.#events.failed?.(cause),
    );
  }

  async #drain(): Promise<void> {
    for (;;) {
      // Nothing is waited for between this and the next piece, so that it is taken when it is counted as taken.
      while (this.#size !== undefined) await this.#applySize();
      const item = this.#queue.shift();
      if (item === undefined) break;
      if (item === "eof") await this.#sink.endInput();
      else await this.#write(item);
    }
    if (this.#acceptedBytes - this.#reportedBytes >= acceptedEvery) this.report();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#takenBytes += bytes.length;
    await this.#sink.write(bytes);
    this.#acceptedBytes += bytes.length;
    this.#queuedBytes -= bytes.length;
    if (this.#acceptedBytes - this.#reportedBytes >= acceptedEvery) this.report();
    if (this.#isWithinCredit) this.#events.credit?.(true);
  }

  /** Tells the client what is accepted, although that may be nothing new. */
  report(): void {
    // What a new connection was told to be taken may still be on its way in.
    this.#reportedBytes = Math.max(this.#reportedBytes, this.#acceptedBytes);
    this.#events.accepted?.(this.#reportedBytes);
  }

  async #applySize(): Promise<void> {
    const size = this.#size;
    this.#cancelApplying?.();
    this.#cancelApplying = undefined;
    if (size === undefined) return;
    this.#size = undefined;
    this.#appliedSizeMs = this.#clock.monotonicMs();
    // What is typed goes on in a terminal of the wrong size, too.
    await this.#sink.resize(size, this.#client).catch(() => undefined);
  }
}
