import { ExecgateError } from "../errors.ts";

/** How long a caller waits for the answer before it is content with a 202. */
export interface Preference {
  readonly waitMs: number;
  /** What was applied, for `Preference-Applied`. */
  readonly applied: string;
}

/**
 * Reads `Prefer` (RFC 7240): `respond-async` waits not at all, `wait=N` N seconds. Others are left alone, as the RFC wants it.
 * @throws BAD_REQUEST for a `wait` that is no number
 */
export function readPrefer(header: string | string[] | undefined): Preference | undefined {
  const entries = [header ?? []]
    .flat()
    .join(",")
    .split(/[,;]/)
    .map((entry) => entry.trim().toLowerCase());
  const wait = entries.find((entry) => entry.startsWith("wait="));
  if (wait !== undefined) {
    const seconds = /^wait="?(\d{1,6})"?$/.exec(wait)?.[1];
    if (seconds === undefined) throw new ExecgateError("BAD_REQUEST", `Prefer: ${wait} is not wait=SECONDS.`, { field: "Prefer" });
    return { waitMs: Number(seconds) * 1000, applied: `wait=${seconds}` };
  }
  return entries.includes("respond-async") ? { waitMs: 0, applied: "respond-async" } : undefined;
}

/**
 * How much an Accept header wants `type` (RFC 9110), from 0, not at all, to 1; without a header everything is wanted alike.
 * The range that is nearest to the type has the word.
 * @param options.isNamed whether the type itself must stand there, and not only a range that it is in
 */
export function weightOf(header: string | undefined, type: string, { isNamed = false } = {}): number {
  if (header === undefined) return 1;
  const weights = new Map(header.split(",").map(readRange));
  const ranges = isNamed ? [type] : [type, `${type.split("/")[0]}/*`, "*/*"];
  const nearest = ranges.find((range) => weights.has(range));
  return nearest === undefined ? 0 : (weights.get(nearest) ?? 0);
}

function readRange(part: string): readonly [range: string, weight: number] {
  const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
  const weight = parameters.map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)?.[1]).find((digits) => digits !== undefined);
  return [range, weight === undefined ? 1 : Number(weight)];
}
