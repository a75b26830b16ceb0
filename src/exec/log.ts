import type { Chunk, StreamName } from "./runtime.ts";

/** What a cursor yields: output bytes, or the range that is no longer kept. */
export type LogItem =
  | { readonly type: "data"; readonly stream: StreamName; readonly offset: number; readonly bytes: Buffer }
  | { readonly type: "gap"; readonly from: number; readonly to: number };

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

/** A reader's place in the log. One call of `next` at a time. */
export interface Cursor {
  /** The number of the next byte. */
  readonly offset: number;
  /** What is there now, without waiting. */
  take(): LogItem | undefined;
  /** The next item as soon as there is one; undefined after the last byte of an ended log, or when the cursor is closed. */
  next(): Promise<LogItem | undefined>;
  /** Confirms every byte below `offset`. Returns false, and changes nothing, when that was never handed out. */
  ack(offset: number): boolean;
  close(): void;
}

interface Entry {
  readonly stream: StreamName;
  readonly offset: number;
  bytes: Buffer;
}

const nothing = Buffer.alloc(0);
/** Stands where an entry was let go of, until the array is compacted. */
const gone: Entry = { stream: "stdout", offset: 0, bytes: nothing };

/** Pieces below this are copied into pages: kept as they were read, each would cost about 400 bytes on top. */
const smallBytes = 4096;
const pageBytesMin = 1024;
const pageBytesMax = 16_384;
/** What an entry costs beside its bytes, counted against the capacity so that tiny pieces of alternating streams stay bounded. */
const entryCost = 256;

/**
 * The numbered log of one exec's output: bytes are counted from 0, stdout and stderr together, in the order in which
 * they were read. It keeps the last `capacity` bytes for whoever comes late, and more than that never: the source is to
 * wait for `room` before it appends. Cursors read at their own pace; only writers hold the source back.
 */
export class OutputLog {
  readonly #capacity: number;
  readonly #cursors = new Set<LogCursor>();
  #entries: Entry[] = [];
  /** Index of the oldest kept entry; the array is compacted when half of it is dropped. */
  #head = 0;
  #cost = 0;
  /** Small pieces of both streams are put here one behind the other; full, it is replaced and belongs to its entries alone. */
  #page = nothing;
  #pageUsed = 0;
  #end = 0;
  #isEnded = false;
  #admitsRest = false;
  #roomWaiter: (() => void) | undefined;
  /** Bytes appended so far, a stream. */
  readonly counts: Record<StreamName, number> = { stdout: 0, stderr: 0 };

  /** @param capacity bytes kept, and how far the slowest writer may be behind before the source waits */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The number of the oldest byte that is still kept. */
  get start(): number {
    return this.#entries[this.#head]?.offset ?? this.#end;
  }

  /** The number that the next byte will have. */
  get end(): number {
    return this.#end;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Memory that the kept output takes, in bytes. */
  get cost(): number {
    return this.#cost;
  }

  /** Adds a piece; an empty one is nothing. The bytes belong to the log from here on. */
  append({ stream, bytes }: Chunk): void {
    if (bytes.length === 0) return;
    this.counts[stream] += bytes.length;
    if (bytes.length >= smallBytes) this.#push({ stream, offset: this.#end, bytes });
    else this.#appendSmall(stream, bytes);
    this.#end += bytes.length;
    this.#cost += bytes.length;
    this.#evict();
    for (const cursor of this.#cursors) cursor.wake();
  }

  /** Resolves when the source may append: at once, or when the slowest writer has moved on. One caller at a time. */
  room(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    return new Promise((resolve) => {
      this.#roomWaiter = resolve;
    });
  }

  /** From here on there is always room: what the source still has is little, and its end is to wait for no reader. */
  admitRest(): void {
    this.#admitsRest = true;
    this.moved();
  }

  /** No byte comes any more: cursors end behind the last one. */
  endOutput(): void {
    this.#isEnded = true;
    for (const cursor of this.#cursors) cursor.wake();
  }

  /** Lets go of everything kept; a later cursor gets a gap. */
  drop(): void {
    this.#entries = [];
    this.#head = 0;
    this.#cost = 0;
    this.#page = nothing;
    this.#pageUsed = 0;
  }

  open(options: CursorOptions): Cursor {
    const cursor = new LogCursor(this, options, () => {
      this.#cursors.delete(cursor);
      this.moved();
    });
    this.#cursors.add(cursor);
    return cursor;
  }

  /** The item at `offset`, which is not beyond the end; undefined at the end. Used by cursors. */
  at(offset: number): LogItem | undefined {
    if (offset >= this.#end) return undefined;
    const start = this.start;
    if (offset < start) return { type: "gap", from: offset, to: start };
    const entry = this.#find(offset);
    return { type: "data", stream: entry.stream, offset, bytes: entry.bytes.subarray(offset - entry.offset) };
  }

  /** Told by cursors when a place was given free: what was held may go, and the source may go on. */
  moved(): void {
    const waiter = this.#roomWaiter;
    if (waiter === undefined || !this.#hasRoom()) return;
    this.#roomWaiter = undefined;
    waiter();
  }

  #appendSmall(stream: StreamName, bytes: Buffer): void {
    if (this.#page.length - this.#pageUsed < bytes.length) this.#turnPage(bytes.length);
    const from = this.#pageUsed;
    this.#pageUsed += bytes.copy(this.#page, from);
    const last = this.#entries.length > this.#head ? this.#entries[this.#entries.length - 1] : undefined;
    if (last !== undefined && last.stream === stream && last.bytes.buffer === this.#page.buffer) {
      last.bytes = this.#page.subarray(last.bytes.byteOffset, this.#pageUsed);
    } else {
      this.#push({ stream, offset: this.#end, bytes: this.#page.subarray(from, this.#pageUsed) });
    }
  }

  /** A new page is as large as what is kept already, so that an idle terminal stays small and a busy one is cheap. */
  #turnPage(needed: number): void {
    this.#page = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(pageBytesMax, Math.max(pageBytesMin, this.#cost))));
    this.#pageUsed = 0;
  }

  #push(entry: Entry): void {
    this.#entries.push(entry);
    this.#cost += entryCost;
  }

  /** The lowest byte that a writer still needs. */
  #floor(): number {
    let floor = Number.POSITIVE_INFINITY;
    for (const cursor of this.#cursors) floor = Math.min(floor, cursor.floor);
    return floor;
  }

  #isFree(entry: Entry, floor: number): boolean {
    return entry.offset + entry.bytes.length <= floor;
  }

  #hasRoom(): boolean {
    if (this.#admitsRest || this.#cost < this.#capacity) return true;
    const oldest = this.#entries[this.#head];
    return oldest === undefined || this.#isFree(oldest, this.#floor());
  }

  #evict(): void {
    if (this.#cost <= this.#capacity) return;
    const floor = this.#floor();
    for (let oldest = this.#entries[this.#head]; oldest !== undefined && this.#cost > this.#capacity; oldest = this.#entries[this.#head]) {
      if (!this.#isFree(oldest, floor)) break;
      this.#cost -= oldest.bytes.length + entryCost;
      this.#entries[this.#head++] = gone;
    }
    if (this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  #find(offset: number): Entry {
    let low = this.#head;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#entries[middle] as Entry).offset <= offset) low = middle;
      else high = middle - 1;
    }
    return this.#entries[low] as Entry;
  }
}

class LogCursor implements Cursor {
  readonly #log: OutputLog;
  readonly #isWriter: boolean;
  readonly #ackWindow: number | undefined;
  readonly #onClose: () => void;
  #acked: number;
  #isClosed = false;
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
  }

  /** The lowest byte that must stay for this cursor. */
  get floor(): number {
    if (!this.#isWriter) return Number.POSITIVE_INFINITY;
    return this.#ackWindow === undefined ? this.offset : this.#acked;
  }

  /** Whether everything that the ack window allows was handed out, so that only an `ack` brings more. */
  get #isHeld(): boolean {
    return this.#ackWindow !== undefined && this.offset - this.#acked >= this.#ackWindow;
  }

  take(): LogItem | undefined {
    if (this.#isClosed || this.#isHeld) return undefined;
    const item = this.#log.at(this.offset);
    if (item === undefined) return undefined;
    this.offset = item.type === "gap" ? item.to : item.offset + item.bytes.length;
    if (item.type === "gap") this.#acked = Math.max(this.#acked, item.to);
    this.#log.moved();
    return item;
  }

  async next(): Promise<LogItem | undefined> {
    for (;;) {
      const item = this.take();
      if (item !== undefined) return item;
      if (this.#isClosed || (this.#log.isEnded && this.offset >= this.#log.end)) return undefined;
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
    }
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
