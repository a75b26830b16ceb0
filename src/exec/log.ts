import { type Cursor, type CursorOptions, LogCursor, type LogItem } from "./cursor.ts";
import { givePage, pageBytes, takePage } from "./pages.ts";
import type { Chunk, Size, StreamName } from "./runtime.ts";
import { Sizes } from "./sizes.ts";

/** Memory with one entry, or with several one behind the other. */
interface Block {
  readonly bytes: Buffer;
  /** Entries in it that are still kept. */
  entries: number;
  /** Bytes of it were given to somebody who may hold them for ever. */
  isGiven: boolean;
}

interface Entry {
  readonly stream: StreamName;
  readonly offset: number;
  readonly block: Block;
  bytes: Buffer;
}

const nothing: Block = { bytes: Buffer.alloc(0), entries: 0, isGiven: true };
/** Stands where an entry was let go of, until the array is compacted. */
const gone: Entry = { stream: "stdout", offset: 0, block: nothing, bytes: nothing.bytes };

/** Pieces below this are copied together: kept as they were read, each would cost about 400 bytes on top. */
const smallBytes = 4096;
const blockBytesMin = 1024;
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
  #block = nothing;
  #blockUsed = 0;
  #end = 0;
  /** Bytes below this are to be kept for nobody but writers. */
  #dropTo = 0;
  #isEnded = false;
  #admitsRest = false;
  #roomWaiter: (() => void) | undefined;
  /** Bytes appended so far, a stream. */
  readonly counts: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  /** The sizes of the terminal, each at its place in the output; none without one. */
  readonly sizes = new Sizes();

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
    if (isSmall(bytes)) this.#appendSmall(stream, bytes);
    else this.#push(stream, { bytes, entries: 0, isGiven: false }, bytes);
    this.#end += bytes.length;
    this.#cost += bytes.length;
    this.#evict();
    for (const cursor of this.#cursors) cursor.wake();
  }

  /** Notes that the terminal has another size from here on, changed by the client of this id. */
  resized(size: Size, by?: string): void {
    this.sizes.add({ offset: this.#end, size, by });
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

  /** Lets go of everything kept, of what a writer has still to read as soon as it has; a later cursor gets a gap. */
  drop(): void {
    this.#dropTo = this.#end;
    // The block belongs to its entries alone, and goes with the last of them.
    this.#block = nothing;
    this.#blockUsed = 0;
    this.#evict();
  }

  open(options: CursorOptions): Cursor {
    const cursor = new LogCursor(this, options, () => {
      this.#cursors.delete(cursor);
      this.moved();
    });
    this.#cursors.add(cursor);
    return cursor;
  }

  /** The item at `offset`, which is not beyond the end and goes no further than `until`; undefined at the end. `isLent`: for the moment. Used by cursors. */
  at(offset: number, isLent: boolean, until = Number.POSITIVE_INFINITY): LogItem | undefined {
    if (offset >= this.#end) return undefined;
    const start = this.start;
    if (offset < start) return { type: "gap", from: offset, to: start };
    const entry = this.#find(offset);
    if (!isLent) entry.block.isGiven = true;
    return { type: "data", stream: entry.stream, offset, bytes: entry.bytes.subarray(offset - entry.offset, until - entry.offset) };
  }

  /** Told by cursors when a place was given free: what was held may go, and the source may go on. */
  moved(): void {
    if (this.start < this.#dropTo) this.#evict();
    const waiter = this.#roomWaiter;
    if (waiter === undefined || !this.#hasRoom()) return;
    this.#roomWaiter = undefined;
    waiter();
  }

  #appendSmall(stream: StreamName, bytes: Buffer): void {
    if (this.#block.bytes.length - this.#blockUsed < bytes.length) this.#turnBlock(bytes.length);
    const block = this.#block;
    const from = this.#blockUsed;
    this.#blockUsed += bytes.copy(block.bytes, from);
    givePage(bytes);
    const last = this.#entries.length > this.#head ? this.#entries[this.#entries.length - 1] : undefined;
    if (last !== undefined && last.stream === stream && last.block === block) {
      last.bytes = block.bytes.subarray(from - last.bytes.length, this.#blockUsed);
    } else {
      this.#push(stream, block, block.bytes.subarray(from, this.#blockUsed));
    }
  }

  /** A new block is as large as what is kept already, so that an idle terminal stays small and a busy one is cheap. */
  #turnBlock(needed: number): void {
    const length = Math.max(needed, this.#cost, blockBytesMin);
    const bytes = length > pageBytes / 2 ? takePage() : Buffer.allocUnsafeSlow(length);
    this.#block = { bytes, entries: 0, isGiven: false };
    this.#blockUsed = 0;
  }

  #push(stream: StreamName, block: Block, bytes: Buffer): void {
    this.#entries.push({ stream, offset: this.#end, block, bytes });
    block.entries++;
    this.#cost += entryCost;
  }

  #letGo({ block }: Entry): void {
    if (--block.entries === 0 && block !== this.#block && !block.isGiven) givePage(block.bytes);
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
    if (this.#admitsRest) return true;
    for (const cursor of this.#cursors) if (this.#end >= cursor.ceiling) return false;
    if (this.#cost < this.#capacity) return true;
    const oldest = this.#entries[this.#head];
    return oldest === undefined || this.#isFree(oldest, this.#floor());
  }

  /** Whether the oldest entry is to go. */
  #isOver(): boolean {
    return this.#cost > this.#capacity || this.start < this.#dropTo;
  }

  #evict(): void {
    if (!this.#isOver()) return;
    const floor = this.#floor();
    for (let oldest = this.#entries[this.#head]; oldest !== undefined && this.#isOver(); oldest = this.#entries[this.#head]) {
      if (!this.#isFree(oldest, floor)) break;
      this.#cost -= oldest.bytes.length + entryCost;
      this.#letGo(oldest);
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

/** Also a piece that would leave more than half of its page unused is copied. */
function isSmall(bytes: Buffer): boolean {
  return bytes.length < smallBytes || bytes.length * 2 < Math.min(bytes.buffer.byteLength, pageBytes);
}
