import { ExecgateError } from "../../errors.ts";
import type { Account } from "./account.ts";

/** The range of user ids that sessions get, each its own; both ends belong to it. */
export interface DynamicRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Users that are in no file: each command gets an id of its own, which no other command has as long as it runs, so that
 * sessions can neither see nor end each other's processes. An id is given out again as late as possible, because files
 * that its last owner left in shared folders are its next owner's.
 */
export class DynamicUsers {
  readonly #range: DynamicRange;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(range: DynamicRange) {
    this.#range = range;
    this.#next = range.first;
  }

  /** @throws OVERLOADED when every id of the range is in use */
  take(): Account {
    const { first, last } = this.#range;
    if (this.#taken.size > last - first) {
      throw new ExecgateError("OVERLOADED", "Every user of runtimes.host.dynamicUsers is in use; try again later.", { retryAfterS: 1 });
    }
    while (this.#taken.has(this.#next)) this.#step();
    const uid = this.#next;
    this.#taken.add(uid);
    this.#step();
    return { name: String(uid), uid, gid: uid, groups: [], home: "/", shell: "/bin/sh", changeUser: true };
  }

  /** Takes an id back; one that was not given out is nothing. */
  giveBack({ uid }: Account): void {
    this.#taken.delete(uid);
  }

  #step(): void {
    this.#next = this.#next === this.#range.last ? this.#range.first : this.#next + 1;
  }
}
