import { ExecgateError } from "../errors.ts";

/** A query as it was written: one value as a string, several as an array. */
export type Query = Record<string, string | string[]>;

/** More than any request takes. What has many names is slow to look through, and anybody may send a query. */
const parametersMax = 4096;

/**
 * Reads the query of a request's URL without ever repairing it.
 * @throws BAD_REQUEST for what is not percent-encoded UTF-8, holds NUL, or has too many parameters
 */
export function parseQuery(url: string): Query {
  const query: Query = Object.create(null);
  const at = url.indexOf("?");
  if (at < 0) return query;
  const pairs = url.slice(at + 1).split("&");
  if (pairs.length > parametersMax) {
    throw new ExecgateError("BAD_REQUEST", `The query has more than ${parametersMax} parameters.`, { field: "query" });
  }
  for (const pair of pairs) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals), "a name in the query");
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1), name);
    const before = query[name];
    if (Array.isArray(before)) before.push(value);
    else query[name] = before === undefined ? value : [before, value];
  }
  return query;
}

function decode(text: string, field: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new ExecgateError("BAD_REQUEST", `${field} is not percent-encoded UTF-8.`, { field });
  }
  if (decoded.includes("\0")) throw new ExecgateError("BAD_REQUEST", `${field.replaceAll("\0", "\\0")} holds a NUL byte.`, { field });
  return decoded;
}

/** `1`, `true`, `0` or `false`; the schema has refused everything else. */
export function flagOf(value: string | undefined, fallback: boolean): boolean {
  return value === undefined ? fallback : value === "1" || value === "true";
}

export function numberOf(value: string | undefined, fallback: number): number {
  return value === undefined ? fallback : Number(value);
}

/** One value or several as a list. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
