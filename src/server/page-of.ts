import { ExecgateError } from "../errors.ts";

/** How many items a list answers with when it is not said. */
const limitDefault = 500;
const limitMax = 1000;

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
 * Cuts a list into pages. The word for the next page is the last item's key, so that items that come and go in between
 * neither repeat nor hide others.
 */
export function pageOf<T>(items: readonly T[], keyOf: (item: T) => string, count: number, after: string | undefined): Page<T> {
  const sorted = items.filter((item) => after === undefined || keyOf(item) > after).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const page = sorted.slice(0, count);
  const last = page.at(-1);
  return last !== undefined && sorted.length > count ? { items: page, continue: keyOf(last) } : { items: page };
}
