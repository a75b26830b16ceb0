import type { Cursor, LogItem } from "./cursor.ts";
import type { StreamName } from "./runtime.ts";

/** Which end of an over-long stream is kept. */
export type Keep = "head" | "tail";

/** How an answer writes bytes: as text, as base64, or as text where it is some. */
export type Encoding = "auto" | "utf8" | "base64";

/** What was collected of one stream: the kept bytes, and how many the command wrote in all. */
export interface Collected {
  readonly kept: Buffer;
  readonly bytes: number;
}

export type Collection = Readonly<Record<StreamName, Collected>>;

/**
 * Reads a cursor to its end, closes it, and keeps up to `cap` bytes of each stream; what is beyond is counted and let go, so that
 * the command is never blocked by the cap.
 * @param cap bytes, a stream
 */
export async function collect(cursor: Cursor, cap: number, keep: Keep): Promise<Collection> {
  const streams = { stdout: createCollector(cap, keep), stderr: createCollector(cap, keep) };
  const add = (item: LogItem): void => {
    if (item.type === "data") streams[item.stream].add(item.bytes);
  };
  do while (cursor.lend(add));
  while (await cursor.more());
  cursor.close();
  return { stdout: streams.stdout.result(), stderr: streams.stderr.result() };
}

interface Collector {
  add(bytes: Buffer): void;
  result(): Collected;
}

/**
 * One buffer that doubles until it has the size of the cap. `head` fills it once; `tail` goes round in it, the oldest
 * bytes being overwritten.
 */
function createCollector(cap: number, keep: Keep): Collector {
  let buffer = Buffer.alloc(0);
  let total = 0;

  function grow(needed: number): void {
    if (needed <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.min(cap, Math.max(needed, buffer.length * 2, 1024)));
    buffer.copy(larger);
    buffer = larger;
  }

  function addHead(bytes: Buffer): void {
    if (total >= cap) return;
    grow(Math.min(cap, total + bytes.length));
    bytes.copy(buffer, total);
  }

  function addTail(bytes: Buffer): void {
    if (cap === 0) return;
    grow(Math.min(cap, total + bytes.length));
    const last = bytes.length > cap ? bytes.subarray(bytes.length - cap) : bytes;
    const at = (total + bytes.length - last.length) % cap;
    const copied = last.copy(buffer, at);
    last.copy(buffer, 0, copied);
  }

  function unroll(): Buffer {
    const at = total % cap;
    // Not out of Node's pool, which an answer that is kept for minutes would hold as a whole.
    const whole = Buffer.allocUnsafeSlow(cap);
    buffer.copy(whole, 0, at);
    buffer.copy(whole, cap - at, 0, at);
    return whole;
  }

  return {
    add(bytes) {
      if (keep === "head") addHead(bytes);
      else addTail(bytes);
      total += bytes.length;
    },
    result() {
      const isRound = keep === "tail" && total > cap && cap > 0;
      return { kept: isRound ? unroll() : buffer.subarray(0, Math.min(total, cap)), bytes: total };
    },
  };
}
