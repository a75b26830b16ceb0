import { ClientError } from "./client-error.ts";

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads a span of time such as `500ms`, `5s`, `1.5m` or `2h`; `0` needs no unit.
 * @returns whole milliseconds
 * @throws ClientError naming `flag`
 */
export function parseDuration(flag: string, text: string): number {
  if (text === "0") return 0;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = milliseconds[unit ?? ""];
  const value = factor === undefined ? Number.NaN : Math.round(Number(number) * factor);
  if (!Number.isSafeInteger(value)) throw new ClientError(`${flag}: expected a time such as 500ms, 5s, 2m or 1h, got ${text}`);
  return value;
}
