/**
 * `npm run bench [-- PART… --json FILE]`: measures the gateway against what it is built on, in one run, and says which aims
 * are met. Ratios count, not times: both sides of a ratio saw the same machine.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { completeness } from "./completeness.ts";
import { echo } from "./echo.ts";
import { type Figure, isMet, lineOf } from "./figure.ts";
import { guarded } from "./guarded.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { rate } from "./rate.ts";
import { throughput } from "./throughput.ts";

const parts = [latency, rate, guarded, throughput, echo, idle, completeness];

const { values, positionals } = parseArgs({ options: { json: { type: "string" } }, allowPositionals: true });
const unknown = positionals.find((name) => !parts.some((part) => part.name === name));
if (unknown !== undefined) {
  process.stderr.write(`bench: there is no part ${unknown}; there are ${parts.map((part) => part.name).join(", ")}\n`);
  process.exit(2);
}

const figures: Figure[] = [];
for (const part of parts) {
  if (positionals.length > 0 && !positionals.includes(part.name)) continue;
  process.stdout.write(`${part.name}\n`);
  const measured = await part.measure();
  for (const figure of measured) process.stdout.write(`  ${lineOf(figure)}\n`);
  figures.push(...measured);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
const missed = figures.filter((figure) => !isMet(figure)).length;
process.stdout.write(missed === 0 ? "every aim is met\n" : `${missed} missed\n`);
// Clients of sessions that ended may linger in the closing handshake.
process.exit(0);
