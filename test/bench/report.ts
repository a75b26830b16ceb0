import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawBars } from "./chart.ts";
import { type Figure, format, isMet, type Measured, sayAim } from "./figure.ts";
import { machine } from "./machine.ts";

/** What became of one part. */
export interface Section extends Measured {
  readonly name: string;
  readonly about: string;
  readonly skipped: string | undefined;
}

/** Writes results.json, RESULTS.md and a chart for each section that has one into `directory`. */
export function saveReport(directory: string, sections: readonly Section[]): void {
  const facts = machine();
  writeFileSync(join(directory, "results.json"), `${JSON.stringify({ machine: facts, sections }, null, 2)}\n`);
  for (const { name, chart } of sections) {
    const file = join(directory, `${name}.svg`);
    if (chart === undefined) rmSync(file, { force: true });
    else writeFileSync(file, drawBars(chart));
  }
  writeFileSync(join(directory, "RESULTS.md"), `${[introduction(facts), ...sections.map(sectionText)].join("\n\n")}\n`);
}

function introduction(facts: Readonly<Record<string, string>>): string {
  const lines = Object.entries(facts).map(([name, value]) => `| ${name} | ${value} |`);
  return `# Measured

One run of \`npm run bench -- --save\`, which writes this file, \`results.json\` and the charts. One section again: \`npm run bench -- SECTION\`.
Ratios count, not times: both sides of a ratio were measured in turn on the same machine, with the load on that machine too.

| machine | |
| --- | --- |
${lines.join("\n")}`;
}

function sectionText({ name, about, skipped, figures, chart }: Section): string {
  const head = `## ${name}\n\n${about}\n\n\`npm run bench -- ${name}\``;
  if (skipped !== undefined) return `${head}\n\nSkipped: ${skipped}.`;
  const picture = chart === undefined ? "" : `\n\n![${chart.title}](${name}.svg)`;
  return `${head}${picture}\n\n| figure | measured | aim | |\n| --- | ---: | ---: | --- |\n${figures.map(row).join("\n")}`;
}

function row(figure: Figure): string {
  const verdict = figure.aim === undefined ? "" : isMet(figure) ? "met" : "**missed**";
  const measured = [format(figure.value), figure.unit].filter(Boolean).join(" ");
  return `| ${figure.name} | ${measured} | ${sayAim(figure.aim)} | ${verdict} |`;
}
