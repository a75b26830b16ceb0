import type { Size } from "../exec/runtime.ts";

const sideMax = 65_535;

/** The size that a client means: undefined for a side below 1, which a hidden page measures; a longer side than a terminal can have is cut. */
export function terminalSize(cols: number, rows: number): Size | undefined {
  if (cols < 1 || rows < 1) return undefined;
  return { cols: Math.min(cols, sideMax), rows: Math.min(rows, sideMax) };
}
