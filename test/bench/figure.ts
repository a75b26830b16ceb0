/** One measured figure, with what it should be where there is an aim. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** A figure without one is there to explain the others. */
  readonly aim?: { readonly is: "atMost" | "atLeast"; readonly limit: number };
}

/** A part of the bench: a name to ask for it by, and what it measures. */
export interface Part {
  readonly name: string;
  measure(): Promise<readonly Figure[]>;
}

export function isMet({ value, aim }: Figure): boolean {
  if (aim === undefined) return true;
  return aim.is === "atMost" ? value <= aim.limit : value >= aim.limit;
}

/** A line of the report: the figure, its aim and the verdict. */
export function lineOf(figure: Figure): string {
  const { name, value, unit, aim } = figure;
  const shown = `${name.padEnd(46)} ${format(value).padStart(8)} ${unit.padEnd(5)}`;
  if (aim === undefined) return shown.trimEnd();
  return `${shown} aim ${aim.is === "atMost" ? "≤" : "≥"} ${format(aim.limit).padEnd(6)} ${isMet(figure) ? "met" : "MISSED"}`;
}

/** The value below which `part` (0 to 1) of the samples lie. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

function format(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 3);
}
