import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * A limit of real-time processing that no process comes near (at least 71 years at a stretch) and every descendant inherits,
 * whatever becomes of its environment, session, parent and user. So it tells whose descendant a process is.
 */
export type Mark = number;

/** Above every limit that somebody sets for its own sake, and exact as a number of JSON. */
const lowest = 2 ** 51;
const gatewaysMax = 2 ** 24;
const marksMax = 2 ** 27;

/** Gives each command a mark of its own. Those of one gateway follow each other, so that they can be told from those of others. */
export class Marks {
  readonly #first: Mark = lowest + randomInt(gatewaysMax) * marksMax;
  readonly #live = new Set<Mark>();
  #next = 0;

  /** The first and the last mark that this gateway may give. */
  get range(): readonly [first: Mark, last: Mark] {
    return [this.#first, this.#first + marksMax - 1];
  }

  take(): Mark {
    let mark: Mark;
    do mark = this.#first + (this.#next++ % marksMax);
    while (this.#live.has(mark));
    this.#live.add(mark);
    return mark;
  }

  isLive(mark: Mark): boolean {
    return this.#live.has(mark);
  }

  giveBack(mark: Mark): void {
    this.#live.delete(mark);
  }
}

/** The hard limit of a process that may be a mark; undefined when it has none, or the process is gone. */
export function readMark(pid: number): number | undefined {
  const hard = /^Max realtime timeout +\S+ +(\S+)/m.exec(readProc(pid, "limits"))?.[1];
  return hard === undefined || hard === "unlimited" ? undefined : Number(hard);
}

/** When a process started, in ticks of the kernel's clock; undefined when it is gone or a zombie. */
export function readStart(pid: number): number | undefined {
  const stat = readProc(pid, "stat");
  // The name of the program may hold anything, and ends with the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" || fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[19]);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
