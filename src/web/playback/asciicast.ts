/** What happened at a moment of a recording, in seconds from its start: output, or another size. */
export type CastEvent =
  | { readonly at: number; readonly output: string }
  | { readonly at: number; readonly size: { readonly cols: number; readonly rows: number } };

export interface Cast {
  readonly size: { readonly cols: number; readonly rows: number };
  readonly events: readonly CastEvent[];
  /** Seconds. */
  readonly duration: number;
}

/** Reads asciicast v2. Lines that are not whole, and kinds of events that are not known, are passed over. @throws Error for another format */
export function parseCast(text: string): Cast {
  const [first = "", ...lines] = text.split("\n");
  const header = parseLine(first) as { version?: unknown; width?: unknown; height?: unknown } | undefined;
  if (header?.version !== 2) throw new Error("this is no recording in asciicast v2");
  const events = lines.map((line) => eventOf(parseLine(line))).filter((event) => event !== undefined);
  return { size: { cols: Number(header.width) || 80, rows: Number(header.height) || 24 }, events, duration: events.at(-1)?.at ?? 0 };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function eventOf(line: unknown): CastEvent | undefined {
  if (!Array.isArray(line)) return undefined;
  const [at, kind, data] = line as unknown[];
  if (typeof at !== "number" || typeof data !== "string") return undefined;
  if (kind === "o") return { at, output: data };
  const [, cols, rows] = (kind === "r" && /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(data)) || [];
  return cols === undefined ? undefined : { at, size: { cols: Number(cols), rows: Number(rows) } };
}
