import type { Caller } from "../../access/principal.ts";
import type { Clock } from "../../exec/clock.ts";
import { objectOf, type Resource } from "./resource.ts";
import { type Change, Revisions } from "./revisions.ts";

/** What there is of a kind, whoever may know of it. */
export interface Reading<T> {
  readonly items: readonly T[];
  /** Names of the runtimes that did not answer. */
  readonly silent: readonly string[];
  /** Whether an item would be among `items` if it were there. */
  isCovered(item: T): boolean;
}

/** Where the things of a kind come from. */
export interface Source<T> {
  /** @throws what a runtime refuses, when nothing but it was asked */
  read(namespace: string | undefined): Promise<Reading<T>>;
  /** What of an item the caller may know of; undefined for nothing. */
  seenBy(caller: Caller, item: T): T | undefined;
}

/** What somebody is shown of a kind, and the revision in which it is so. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly silent: readonly string[];
  readonly revision: number;
}

/** How often what somebody watches is looked at, milliseconds. */
const lookMs = 1000;

/** The things of one kind: looked at when somebody asks, with everything numbered that has changed between two looks. */
export class Collection<T> {
  readonly resource: Resource<T>;
  readonly #source: Source<T>;
  readonly #clock: Clock;
  readonly #revisions: Revisions<T>;
  #nextLook: Promise<void> | undefined;

  constructor(resource: Resource<T>, source: Source<T>, clock: Clock) {
    this.resource = resource;
    this.#source = source;
    this.#clock = clock;
    this.#revisions = new Revisions(clock.now(), (item) => JSON.stringify(objectOf(resource, item, "")));
  }

  get revision(): number {
    return this.#revisions.current;
  }

  /** What the caller may know of in one namespace, or in all, in order. @throws what a runtime refuses */
  async list(caller: Caller, namespace?: string): Promise<Listing<T>> {
    const { items, silent } = await this.look(namespace);
    const seen = items.flatMap((item) => this.#source.seenBy(caller, item) ?? []);
    const keyed = seen.map((item) => ({ key: this.resource.key(item), item }));
    keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { items: keyed.map(({ item }) => item), silent, revision: this.revision };
  }

  /** The one that the caller may know of by this name, in a namespace or among those that are in none. @throws what a runtime refuses */
  async find(caller: Caller, namespace: string | undefined, name: string): Promise<T | undefined> {
    const { items } = await this.look(namespace);
    const item = items.find((one) => this.resource.fields(one)["metadata.name"] === name);
    return item === undefined ? undefined : this.#source.seenBy(caller, item);
  }

  /** Takes note of what there is now; of looks that overtake each other none undoes what another has seen. @throws what a runtime refuses */
  async look(namespace?: string): Promise<Pick<Reading<T>, "items" | "silent">> {
    const begunAt = this.revision;
    const reading = await this.#source.read(namespace);
    const found = new Map(reading.items.map((item) => [this.lifeOf(item), item]));
    return { items: this.#revisions.note(found, (item) => reading.isCovered(item), begunAt), silent: reading.silent };
  }

  /** Resolves when all of it was looked at again: once for everybody who waits, and never while nobody does. */
  nextLook(): Promise<void> {
    this.#nextLook ??= new Promise<void>((resolve) => {
      this.#clock.after(lookMs, resolve);
    })
      .then(() => this.look())
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        this.#nextLook = undefined;
      });
    return this.#nextLook;
  }

  /** What has become different after `revision` for the caller; undefined when that is no longer known. */
  changes(caller: Caller, revision: number): readonly Change<T>[] | undefined {
    return this.#revisions.since(revision)?.flatMap((change) => {
      const item = this.#source.seenBy(caller, change.item);
      return item === undefined ? [] : [{ ...change, item }];
    });
  }

  /** The revision in which an item last changed, as Kubernetes writes it. */
  versionOf(item: T): string {
    return String(this.#revisions.of(this.lifeOf(item)));
  }

  /** What takes the name of something else is not that. */
  lifeOf(item: T): string {
    return `${this.resource.key(item)} ${this.resource.uid(item)}`;
  }
}
