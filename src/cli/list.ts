import type { Endpoint } from "./endpoint.ts";
import { askFor } from "./http.ts";
import type { ClientIo } from "./io.ts";
import { table, visible } from "./table.ts";

/** A list of the gateway: where it is, and what of each item is a column. */
export interface Listing<Item> {
  /** The path with its query. */
  readonly path: string;
  /** The key of the answer that holds the items. */
  readonly key: string;
  readonly columns: Readonly<Record<string, (item: Item) => string>>;
}

/** Prints all pages of a list: as a table, or with `json` each item as a line of JSON, for scripts. Runtimes that could not be asked are told on stderr. */
export async function printList<Item>(endpoint: Endpoint, listing: Listing<Item>, json: boolean, io: ClientIo): Promise<number> {
  const items: Item[] = [];
  const unavailable = new Set<string>();
  for (let after: string | undefined = ""; after !== undefined; ) {
    const separator = listing.path.includes("?") ? "&" : "?";
    const path: string = after === "" ? listing.path : `${listing.path}${separator}continue=${encodeURIComponent(after)}`;
    const page = (await askFor(endpoint, "GET", path)) as Readonly<Record<string, unknown>>;
    items.push(...(page[listing.key] as Item[]));
    if (Array.isArray(page.unavailable)) for (const name of page.unavailable) unavailable.add(String(name));
    after = typeof page.continue === "string" ? page.continue : undefined;
  }
  if (json) for (const item of items) io.stdout.write(`${JSON.stringify(item)}\n`);
  else {
    const columns = Object.entries(listing.columns);
    const rows = items.map((item) => columns.map(([, cell]) => cell(item)));
    io.stdout.write(
      table(
        columns.map(([name]) => name),
        rows,
      ),
    );
  }
  for (const name of unavailable) io.stderr.write(`execgate: ${visible(name)} cannot be asked: what it has is not listed\n`);
  return 0;
}

/** The query of those parameters that are given. */
export function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString().replaceAll("+", "%20")}`;
}
