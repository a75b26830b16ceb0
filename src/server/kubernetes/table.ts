/** A column of a table that kubectl prints. */
export interface Column {
  readonly name: string;
  readonly type: "string";
  readonly format: string;
  readonly description: string;
  /** Not 0 for what only `-o wide` shows. */
  readonly priority: number;
}

export function column(name: string, description: string, priority = 0): Column {
  return { name, type: "string", format: name === "Name" ? "name" : "", description, priority };
}

/** A time in at most two units, as kubectl writes ages. */
export function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes}m${rest(seconds % 60, "s")}`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return `${hours}h${rest(minutes % 60, "m")}`;
  if (hours < 48) return `${hours}h`;
  return `${Math.floor(hours / 24)}d`;
}

function rest(count: number, unit: string): string {
  return count === 0 ? "" : `${count}${unit}`;
}
