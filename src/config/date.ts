import { ConfigError } from "./config-error.ts";

/**
 * Reads a day, which begins at midnight UTC, or a time, in milliseconds since 1970.
 * @throws ConfigError for what is neither, and for a day that the calendar does not have
 */
export function readDate(key: string, text: string): number {
  const [, day, time = "T00:00:00Z"] = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d))?$/.exec(text) ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(day + time);
  // The engine takes the 31st of a short month for the 1st of the next.
  const isThere = !Number.isNaN(ms) && new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) === day;
  if (isThere) return ms;
  throw new ConfigError(`${key}: expected a day such as 2027-06-01 or a time such as 2027-06-01T12:00:00Z, got ${JSON.stringify(text)}`);
}
