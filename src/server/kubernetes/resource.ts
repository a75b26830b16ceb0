import type { Column } from "./table.ts";

/** A kind of things that can be listed and looked at, and how one of them is shown. */
export interface Resource<T> {
  readonly kind: string;
  /** Its name in paths. */
  readonly plural: string;
  readonly columns: readonly Column[];
  /** The fields that can be selected by. */
  readonly fieldNames: readonly string[];
  /** What is its own among all of its kind, and puts them in order. */
  key(item: T): string;
  /** Another for another thing of the same key. */
  uid(item: T): string;
  labels(item: T): Readonly<Record<string, string>>;
  fields(item: T): Readonly<Record<string, string>>;
  /** One for each column. @param now milliseconds since 1970 */
  cells(item: T, now: number): readonly string[];
  metadata(item: T): object;
  /** Everything beside kind and metadata. */
  body(item: T): object;
}

/** The thing itself. */
export function objectOf<T>(resource: Resource<T>, item: T, resourceVersion: string): object {
  const metadata = { ...resource.metadata(item), resourceVersion };
  return { kind: resource.kind, apiVersion: "v1", metadata, ...resource.body(item) };
}
