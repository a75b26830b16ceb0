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
 * Whether an Accept header takes `type`; no header takes everything.
 * @param options.isNamed whether the type itself must stand there, and not only a range that it is in
 */
export function accepts(header: string | undefined, type: string, { isNamed = false } = {}): boolean {
  if (header === undefined) return true;
  const ranges = isNamed ? [type] : [type, `${type.split("/")[0]}/*`, "*/*"];
  return header.split(",").some((part) => {
    const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const isRefused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return !isRefused && ranges.includes(range);
  });
}
