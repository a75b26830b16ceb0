import { createHash } from "node:crypto";

/** What has become of something since a revision. */
export interface Change<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly item: T;
  readonly revision: number;
}

interface Entry<T> {
  /** The latest of those that are alike. */
  item: T;
  readonly digest: string;
  readonly addedAt: number;
  readonly revision: number;
  readonly isGone: boolean;
}

/** What is gone is remembered for those who watch; so many of them at the most. */
const goneMax = 1000;

/**
 * Numbers what changes in a collection that can only be looked at: whoever names a revision is told what has become
 * different after it, as far as somebody looked. Revisions only grow, also over a restart.
 */
export class Revisions<T> {
  readonly #digestOf: (item: T) => string;
  readonly #entries = new Map<string, Entry<T>>();
  #current: number;
  /** What changed up to here may be forgotten. */
  #forgotten: number;

  /**
   * @param now milliseconds since 1970
   * @param factsOf the text of everything about an item whose change is one
   */
  constructor(now: number, factsOf: (item: T) => string) {
    // More changes than a thousand a millisecond are seen by nobody, so that a later start begins higher.
    this.#current = now * 1000;
    this.#forgotten = this.#current - 1;
    this.#digestOf = (item) => createHash("sha1").update(factsOf(item)).digest("base64");
  }

  get current(): number {
    return this.#current;
  }

  /**
   * Takes note of what a look has found. What was seen to change while it went on is newer than what it has found, and stands.
   * @param items by a key that is an item's own for its life
   * @param isCovered whether an item would be among `items` if it were there
   * @param begunAt the revision in which the look was begun
   * @returns what there is of the covered items in the current revision
   */
  note(items: ReadonlyMap<string, T>, isCovered: (item: T) => boolean, begunAt: number): readonly T[] {
    const there = this.#current === begunAt ? items : this.#overrule(items, isCovered, begunAt);
    this.#change(there, isCovered);
    return [...there.values()];
  }

  /** The items with everything in them that has changed after a revision. */
  #overrule(items: ReadonlyMap<string, T>, isCovered: (item: T) => boolean, begunAt: number): ReadonlyMap<string, T> {
    const there = new Map(items);
    for (const [key, { item, isGone, revision }] of this.#entries) {
      if (revision <= begunAt) continue;
      if (isGone) there.delete(key);
      else if (isCovered(item)) there.set(key, item);
    }
    return there;
  }

  /** Numbers what has become different. */
  #change(items: ReadonlyMap<string, T>, isCovered: (item: T) => boolean): void {
    // What has the name of something else comes after the end of that.
    for (const [key, entry] of this.#entries) {
      if (entry.isGone || items.has(key) || !isCovered(entry.item)) continue;
      this.#put(key, { ...entry, revision: ++this.#current, isGone: true });
    }
    for (const [key, item] of items) {
      const known = this.#entries.get(key);
      if (known?.item === item && !known.isGone) continue;
      const digest = this.#digestOf(item);
      if (known?.digest === digest && !known.isGone) {
        known.item = item;
        continue;
      }
      const revision = ++this.#current;
      const addedAt = known === undefined || known.isGone ? revision : known.addedAt;
      this.#put(key, { item, digest, addedAt, revision, isGone: false });
    }
    this.#forget();
  }

  /** The revision in which something last changed. */
  of(key: string): number {
    return this.#entries.get(key)?.revision ?? this.#current;
  }

  /** Everything that is different after `revision`, in order, also the end of what came after it; undefined when some of it may be forgotten, or the revision was never given. */
  since(revision: number): readonly Change<T>[] | undefined {
    if (!(revision >= this.#forgotten && revision <= this.#current)) return undefined;
    return [...this.#entries.values()]
      .filter((entry) => entry.revision > revision)
      .map((entry) => ({ type: typeOf(entry, revision), item: entry.item, revision: entry.revision }));
  }

  /** The last that changed stands last. */
  #put(key: string, entry: Entry<T>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  #forget(): void {
    const gone = [...this.#entries].filter(([, { isGone }]) => isGone);
    for (const [key, { revision }] of gone.slice(0, Math.max(0, gone.length - goneMax))) {
      this.#entries.delete(key);
      this.#forgotten = revision;
    }
  }
}

function typeOf({ isGone, addedAt }: Entry<unknown>, revision: number): Change<unknown>["type"] {
  if (isGone) return "DELETED";
  return addedAt > revision ? "ADDED" : "MODIFIED";
}
