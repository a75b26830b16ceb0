import { ExecgateError } from "../errors.ts";

/** How many items a list answers with when it is not said. */
const limitDefault = 500;
const limitMax = 1000;
/** How much of what may be long stands in one page. */
const pageBytesMax = 4 * 1024 * 1024;

/** One page of a list, and the word that asks for the next one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly continue?: string;
}

/** How many items are asked for. @throws BAD_REQUEST for a limit of 0 */
export function limitOf(limit: string | undefined): number {
  const count = limit === undefined ? limitDefault : Math.min(Number(limit), limitMax);
  if (count < 1) throw new ExecgateError("BAD_REQUEST", "limit must be at least 1.", { field: "limit" });
  return count;
}

/**
 * Cuts a list into pages of at most `count` items. The word for the next page is the last item's key, so that items that come
 * and go in between neither repeat nor hide others.
 * @param bytesOf what of an item may be long, in bytes: a page ends before it has more than 4 MiB of that, but has one item at least
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  count: number,
  after: string | undefined,
  bytesOf: (item: T) => number = () => 0,
): Page<T> {
  const sorted = items.filter((item) => after === undefined || keyOf(item) > after).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const page = beginningOf(sorted.slice(0, count), bytesOf);
  const last = page.at(-1);
  return last !== undefined && page.length < sorted.length ? { items: page, continue: keyOf(last) } : { items: page };
}

/** The first ones, at least one, that have no more bytes than a page may. */
function beginningOf<T>(items: readonly T[], bytesOf: (item: T) => number): readonly T[] {
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    bytes += bytesOf(item);
    if (bytes > pageBytesMax && index > 0) return items.slice(0, index);
  }
  return items;
}
