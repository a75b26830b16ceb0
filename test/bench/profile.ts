import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Figure, Measured, Part } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { manyRules, strictAudit } from "./settings.ts";
import { type Mark, type Spent, type Stage, spentIn, stages } from "./stages.ts";
import { temporaryDirectory } from "./temporary.ts";
import { type Party, parties, processorTimes } from "./threads.ts";

const runs = 3000;
const warmUps = 600;
const marks = fileURLToPath(new URL("marks.js", import.meta.url));
const body = JSON.stringify({ command: ["/bin/true"] });

/** Where the time of a one-shot exec goes. */
export const profile: Part = {
  name: "profile",
  about: `Where the time of \`POST /v1/exec\` of \`/bin/true\` goes, one after the other: what each stage takes on average in the middle half of ${runs} execs and, in brackets, in the slowest hundredth of them; then the processor time of one exec, by who took it.`,
  measure,
};

async function measure(): Promise<Measured> {
  return {
    figures: [
      ...(await profileOf("plain", {})),
      ...(await profileOf("1000 rules, strict audit", { policy: manyRules(), audit: strictAudit() })),
    ],
  };
}

async function profileOf(name: string, settings: object): Promise<Figure[]> {
  const file = join(temporaryDirectory(), "marks.json");
  const times = await runAll(settings, file);
  const execs = JSON.parse(readFileSync(file, "utf8")) as Mark[][];
  const spent = execs
    .slice(warmUps)
    .map(spentIn)
    .sort((a, b) => a.all - b.all);
  const [middle, slow] = [spent.slice(runs * 0.25, runs * 0.75), spent.slice(runs * 0.99)];
  const row = (key: Stage | "all", what: string): Figure[] => [
    { name: `${name}: ${what}`, value: mean(middle, key), unit: "µs" },
    { name: `${name}: (${what})`, value: mean(slow, key), unit: "µs" },
  ];
  return [
    ...Object.entries(stages).flatMap(([stage, what]) => row(stage as Stage, what)),
    ...row("all", "all of it"),
    ...Object.entries(parties).map(([party, what]) => ({ name: `${name}: CPU of ${what}`, value: times[party as Party], unit: "µs" })),
  ].filter(({ value }) => value > 0);
}

/** Has the marks written to `file`; returns the processor time that each has taken for one exec, microseconds. */
async function runAll(settings: object, file: string): Promise<Record<Party, number>> {
  await using gateway = await startGatewayProcess({ settings, flags: [`--import=${marks}`], env: { EXECGATE_BENCH_MARKS: file } });
  using client = await openHttpClient(gateway.port);
  for (let i = 0; i < warmUps; i++) await client.exec(body);
  const before = processorTimes(gateway.pid);
  for (let i = 0; i < runs; i++) await client.exec(body);
  const times = processorTimes(gateway.pid);
  for (const party of Object.keys(times) as Party[]) times[party] = (times[party] - before[party]) / runs;
  return times;
}

function mean(spent: readonly Spent[], key: Stage | "all"): number {
  return spent.reduce((sum, one) => sum + one[key], 0) / spent.length;
}
