import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { rateOf, ratios } from "./busy.ts";
import { type Figure, type Measured, median, type Part } from "./figure.ts";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { manyRules, strictAudit } from "./settings.ts";
import { temporaryDirectory } from "./temporary.ts";

/** Short rounds and many of them: other work on the machine then meets all gateways alike. */
const rounds = 24;
const runsAClient = 16;
const writesARound = 10;
const body = JSON.stringify({ command: ["/bin/true"] });
/** At the fewest the processors stand still for some of the time that the disk is waited for; at more they have other work meanwhile. */
const loads = [16, 32, 64];
const [fewest = 0, ...more] = loads;

/** What policy and audit cost. */
export const guarded: Part = {
  name: "guarded",
  about:
    "Runs of `/bin/true` a second, so many at a time, under 1000 rules and a strict audit, and in turn with it on a gateway that has neither.",
  measure,
};

async function measure(): Promise<Measured> {
  await using free = await startGatewayProcess();
  await using ruled = await startGatewayProcess({ settings: { policy: manyRules() } });
  await using audited = await startGatewayProcess({ settings: { audit: strictAudit() } });
  await using both = await startGatewayProcess({ settings: { policy: manyRules(), audit: strictAudit() } });
  const writes: number[] = [];
  const [without = [], withRules = [], withAudit = [], withBoth = []] = await ratesOf([free, ruled, audited, both], fewest, () =>
    writes.push(timeWrite()),
  );
  const figures: Figure[] = [
    { name: "append of 4 KiB that is on disk when it returns", value: median(writes), unit: "µs" },
    rateWithout(fewest, without),
    kept("1000 rules", fewest, withRules, without),
    kept("strict audit", fewest, withAudit, without),
    kept("1000 rules and strict audit", fewest, withBoth, without),
  ];
  for (const load of more) {
    const [loaded = [], withBothLoaded = []] = await ratesOf([free, both], load);
    figures.push(rateWithout(load, loaded), kept("1000 rules and strict audit", load, withBothLoaded, loaded));
  }
  return { figures };
}

/** The rates of each gateway, round by round. */
async function ratesOf(gateways: readonly GatewayProcess[], load: number, afterRound?: () => void): Promise<number[][]> {
  const rates: number[][] = gateways.map(() => []);
  for (const { port } of gateways) await measureRound(port, load);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { port }] of gateways.entries()) rates[i]?.push(await measureRound(port, load));
    afterRound?.();
  }
  return rates;
}

function rateWithout(load: number, rates: readonly number[]): Figure {
  return { name: `exec at ${load}, without policy and audit`, value: median(rates), unit: "/s" };
}

function kept(what: string, load: number, rates: readonly number[], without: readonly number[]): Figure {
  return { name: `${what} / without, at ${load}`, value: median(ratios(rates, without)), unit: "×", aim: { is: "atLeast", limit: 0.9 } };
}

/** On connections of its own: those of the other gateway's round would have stood idle for too long. */
async function measureRound(port: number, load: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: load }, () => openHttpClient(port)));
  const ways = clients.map((client) => () => client.exec(body));
  const rate = await rateOf(ways, load * runsAClient);
  for (const client of clients) client[Symbol.dispose]();
  return rate;
}

/** What the disk takes for one write of an audit by itself, microseconds: the audit costs more where it is slow. */
function timeWrite(): number {
  const fd = openSync(
    join(temporaryDirectory(), "appended"),
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_DSYNC,
  );
  const lines = Buffer.alloc(4096, "x");
  const began = performance.now();
  for (let i = 0; i < writesARound; i++) writeSync(fd, lines);
  const ms = performance.now() - began;
  closeSync(fd);
  return (ms * 1000) / writesARound;
}
