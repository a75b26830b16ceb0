/**
 * `npm run bench [-- PART… --save]`: measures the gateway against its peers on this machine, in one run, and says which aims
 * are met. Ratios count, not times: both sides of a ratio saw the same machine. `--save` writes the report into test/bench.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { completeness } from "./completeness.ts";
import { containerd } from "./containerd.ts";
import { docker } from "./docker.ts";
import { echo } from "./echo.ts";
import { fairness } from "./fairness.ts";
import { isMet, lineOf } from "./figure.ts";
import { guarded } from "./guarded.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { profile } from "./profile.ts";
import { rate } from "./rate.ts";
import { type Section, saveReport } from "./report.ts";
import { ssh } from "./ssh.ts";
import { throughput } from "./throughput.ts";
import { webTerminals } from "./web-terminals.ts";
import { wetty } from "./wetty.ts";

const parts = [
  latency,
  profile,
  rate,
  guarded,
  throughput,
  echo,
  fairness,
  idle,
  ssh,
  docker,
  containerd,
  webTerminals,
  wetty,
  completeness,
];

const { values, positionals } = parseArgs({ options: { save: { type: "boolean", default: false } }, allowPositionals: true });
const unknown = positionals.find((name) => !parts.some((part) => part.name === name));
if (unknown !== undefined) {
  process.stderr.write(`bench: there is no part ${unknown}; there are ${parts.map((part) => part.name).join(", ")}\n`);
  process.exit(2);
}

const sections: Section[] = [];
for (const part of parts) {
  if (positionals.length > 0 && !positionals.includes(part.name)) continue;
  process.stdout.write(`${part.name}\n`);
  const skipped = part.missing?.();
  const measured = skipped === undefined ? await part.measure() : { figures: [] };
  if (skipped !== undefined) process.stdout.write(`  skipped: ${skipped}\n`);
  for (const figure of measured.figures) process.stdout.write(`  ${lineOf(figure)}\n`);
  sections.push({ name: part.name, about: part.about, skipped, ...measured });
}
if (values.save) saveReport(fileURLToPath(new URL("../../../test/bench/", import.meta.url)), sections);
const missed = sections.flatMap(({ figures }) => figures).filter((figure) => !isMet(figure)).length;
process.stdout.write(missed === 0 ? "every aim is met\n" : `${missed} missed\n`);
// Clients of sessions that ended may linger in the closing handshake.
process.exit(0);
