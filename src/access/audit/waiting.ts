import type { AuditEventName } from "./events.ts";

/** An event that waits to be written. */
export interface Entry {
  readonly event: AuditEventName;
  /** Its line behind the place in the chain, which it gets when it is written. */
  readonly rest: string;
  /** Tells whoever waits for it whether it is on disk; undefined where nobody does. */
  readonly settle: ((isWritten: boolean) => void) | undefined;
}

/** The most that may wait, bytes of text: some ten thousand events. */
export const waitingBytesMax = 8 * 1024 * 1024;

/** The events that wait to be written, in their order, bounded. */
export class Waiting {
  #entries: Entry[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Takes an entry in. @returns false when there is no room for it */
  push(entry: Entry): boolean {
    if (this.#bytes + entry.rest.length > waitingBytesMax) return false;
    this.#entries.push(entry);
    this.#bytes += entry.rest.length;
    return true;
  }

  /** The first ones, at least one, and no more than `bytesMax` bytes of them. */
  take(bytesMax: number): Entry[] {
    let [count, bytes] = [0, 0];
    for (const { rest } of this.#entries) {
      if (count > 0 && bytes + rest.length > bytesMax) break;
      bytes += rest.length;
      count++;
    }
    this.#bytes -= bytes;
    return this.#entries.splice(0, count);
  }

  /** Puts back at the front what was taken and not written: at the most one batch beyond the bound. */
  putBack(entries: readonly Entry[]): void {
    this.#entries.unshift(...entries);
    for (const { rest } of entries) this.#bytes += rest.length;
  }
}
