/** What a figure is to be, and whether it was reached. */
export interface Aim {
  readonly is: "atMost" | "atLeast";
  readonly limit: number;
}

/** One measured figure, with what it should be where there is an aim. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** A figure without one is there to explain the others. */
  readonly aim?: Aim;
}

/** Figures to be looked at beside each other, the first of them the gateway's. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
}

export interface Measured {
  readonly figures: readonly Figure[];
  readonly chart?: Chart;
}

/** A part of the bench: a name to ask for it by, and what it measures. */
export interface Part {
  readonly name: string;
  /** What is measured, in a sentence for the report. */
  readonly about: string;
  /** What the machine lacks for it; undefined when it can be measured. */
  missing?(): string | undefined;
  measure(): Promise<Measured>;
}

export function isMet({ value, aim }: Figure): boolean {
  if (aim === undefined) return true;
  return aim.is === "atMost" ? value <= aim.limit : value >= aim.limit;
}

/** The aim as people write it, such as `≤ 0.9`; empty where there is none. */
export function sayAim(aim: Aim | undefined): string {
  return aim === undefined ? "" : `${aim.is === "atMost" ? "≤" : "≥"} ${format(aim.limit)}`;
}

/** A line of the report: the figure, its aim and the verdict. */
export function lineOf(figure: Figure): string {
  const { name, value, unit, aim } = figure;
  const shown = `${name.padEnd(54)} ${format(value).padStart(8)} ${unit.padEnd(5)}`;
  if (aim === undefined) return shown.trimEnd();
  return `${shown} aim ${sayAim(aim).padEnd(8)} ${isMet(figure) ? "met" : "MISSED"}`;
}

/** The value below which `part` (0 to 1) of the samples lie. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function format(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 3);
}
