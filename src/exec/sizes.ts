import type { Size } from "./runtime.ts";

/** A change of the terminal's size: output from byte `offset` on was read after it. */
export interface SizeMark {
  readonly offset: number;
  readonly size: Size;
  /** The id of the client that changed it. */
  readonly by: string | undefined;
}

/** Changes that are kept; of older ones only the last is, so that somebody who plays with a window's edge costs little. */
const marksMax = 500;

/**
 * The sizes that a terminal had, in the order of its output: whoever reads the output later draws each part of it in the size
 * that it was written for. Marks are counted from 0; a reader remembers the number of the next.
 */
export class Sizes {
  #marks: SizeMark[] = [];
  /** The number of the oldest that is kept. */
  #first = 0;

  /** The number that the next change will have. */
  get end(): number {
    return this.#first + this.#marks.length;
  }

  add(mark: SizeMark): void {
    this.#marks.push(mark);
    if (this.#marks.length < 2 * marksMax) return;
    this.#marks = this.#marks.slice(marksMax);
    this.#first += marksMax;
  }

  /** The mark of this number, or the oldest that is kept when it is older; undefined when it is yet to come. */
  from(number: number): { readonly mark: SizeMark; readonly number: number } | undefined {
    const at = Math.max(number, this.#first);
    const mark = this.#marks[at - this.#first];
    return mark && { mark, number: at };
  }

  /** The number of the first change behind byte `offset`. */
  after(offset: number): number {
    const index = this.#marks.findIndex((mark) => mark.offset > offset);
    return index < 0 ? this.end : this.#first + index;
  }

  /** The size for which the byte `offset` was written; undefined without a terminal. */
  at(offset: number): Size | undefined {
    return (this.#marks.findLast((mark) => mark.offset <= offset) ?? this.#marks[0])?.size;
  }
}
