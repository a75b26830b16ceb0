import type { OutputLog } from "./log.ts";
import type { Size, StreamName } from "./runtime.ts";

/** What a cursor yields: output bytes, the range that is no longer kept, or a change of the terminal's size at its place among them. */
export type LogItem =
  | { readonly type: "data"; readonly stream: StreamName; readonly offset: number; readonly bytes: Buffer }
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  | { readonly type: "resized"; readonly size: Size; readonly by: string | undefined };

export interface CursorOptions {
  /** The number of the first byte wanted; the oldest kept when undefined. */
  readonly offset?: number | undefined;
  /** A writer holds the source back when it is slow; a viewer is left behind and gets a `gap`. */
  readonly role: "writer" | "viewer";
  /**
   * Nothing more is handed out once so many bytes are under way beyond the last `ack`; the piece that reaches the mark is
   * still given whole, because small remainders would make small frames. Undefined for a cursor that is not acknowledged.
   */
  readonly ackWindow?: number | undefined;
}

/** A reader's place in the log. One call of `next` or `more` at a time. */
export interface Cursor {
  /** The number of the next byte. */
  readonly offset: number;
  /** What is there now, without waiting. */
  take(): LogItem | undefined;
  /** Shows `use` what is there now; false when nothing is. The bytes are lent: once `use` returns they may be other ones. */
  lend(use: (item: LogItem) => void): boolean;
  /** Called when nothing is there: true when it is worth to look again, false after the last byte or when the cursor is closed. */
  more(): Promise<boolean>;
  /** The next item as soon as there is one; undefined after the last byte of an ended log, or when the cursor is closed. */
  next(): Promise<LogItem | undefined>;
  /** Confirms every byte below `offset`. Returns false, and changes nothing, when that was never handed out. */
  ack(offset: number): boolean;
  /** Has whoever waits look again, although nothing may have come. */
  wake(): void;
  /** Its reader is gone for a while: it keeps its place, and the source may go on until the log is full. */
  leave(): void;
  close(): void;
}

/** The cursor that a log opens. */
export class LogCursor implements Cursor {
  readonly #log: OutputLog;
  readonly #isWriter: boolean;
  readonly #ackWindow: number | undefined;
  readonly #onClose: () => void;
  #acked: number;
  /** The number of the next change of size. */
  #sizeNumber: number;
  #isClosed = false;
  #isAway = false;
  /** The one who waits in `next`. */
  #waiter: (() => void) | undefined;
  offset: number;

  constructor(log: OutputLog, options: CursorOptions, onClose: () => void) {
    this.#log = log;
    this.#isWriter = options.role === "writer";
    this.#ackWindow = options.ackWindow;
    this.#onClose = onClose;
    this.offset = Math.min(options.offset ?? log.start, log.end);
    this.#acked = this.offset;
    this.#sizeNumber = log.sizes.after(this.offset);
  }

  /** The lowest byte that must stay for this cursor. */
  get floor(): number {
    if (!this.#isWriter) return Number.POSITIVE_INFINITY;
    return this.#ackWindow === undefined ? this.offset : this.#acked;
  }

  /**
   * How far the source may go. What was read ahead is shown before the effect of ^C: a reader that acknowledges has half a
   * window of it beyond the one that is under way, which keeps the line busy.
   */
  get ceiling(): number {
    if (!this.#isWriter || this.#ackWindow === undefined || this.#isAway) return Number.POSITIVE_INFINITY;
    return this.#acked + this.#ackWindow * 1.5;
  }

  /** Whether everything that the ack window allows was handed out, so that only an `ack` brings more. */
  get #isHeld(): boolean {
    return this.#ackWindow !== undefined && this.offset - this.#acked >= this.#ackWindow;
  }

  take(): LogItem | undefined {
    const item = this.#pass(false);
    if (item !== undefined) this.#log.moved();
    return item;
  }

  lend(use: (item: LogItem) => void): boolean {
    const item = this.#pass(true);
    if (item === undefined) return false;
    use(item);
    // Only now: what the log lets go of belongs to whoever takes a page next.
    this.#log.moved();
    return true;
  }

  async more(): Promise<boolean> {
    if (this.#isClosed || (this.#log.isEnded && this.offset >= this.#log.end)) return false;
    await new Promise<void>((resolve) => {
      this.#waiter = resolve;
    });
    return true;
  }

  async next(): Promise<LogItem | undefined> {
    do {
      const item = this.take();
      if (item !== undefined) return item;
    } while (await this.more());
    return undefined;
  }

  ack(offset: number): boolean {
    if (offset > this.offset) return false;
    if (offset > this.#acked) {
      this.#acked = offset;
      this.#log.moved();
      this.wake();
    }
    return true;
  }

  /** The next item, which this place is behind from here on; the log is to be told of that. */
  #pass(isLent: boolean): LogItem | undefined {
    if (this.#isClosed || this.#isHeld) return undefined;
    const next = this.#log.sizes.from(this.#sizeNumber);
    if (next !== undefined && next.mark.offset <= this.offset) {
      this.#sizeNumber = next.number + 1;
      return { type: "resized", size: next.mark.size, by: next.mark.by };
    }
    const item = this.#log.at(this.offset, isLent, next?.mark.offset);
    if (item === undefined || item.type === "resized") return item;
    this.offset = item.type === "gap" ? item.to : item.offset + item.bytes.length;
    if (item.type === "gap") this.#acked = Math.max(this.#acked, item.to);
    return item;
  }

  leave(): void {
    this.#isAway = true;
    this.#log.moved();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    this.wake();
  }

  wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}
