import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { rateOf, ratios } from "./busy.ts";
import { type Measured, median, type Part } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { manyRules, strictAudit } from "./settings.ts";
import { temporaryDirectory } from "./temporary.ts";

/** Short rounds and many of them: other work on the machine then meets all gateways alike. */
const rounds = 40;
const concurrency = 16;
const runsARound = 250;
const writesARound = 10;
const body = JSON.stringify({ command: ["/bin/true"] });

/** What policy and audit cost. */
export const guarded: Part = {
  name: "guarded",
  about:
    "Runs of `/bin/true` a second, 16 at a time, under 1000 rules and a strict audit, and in turn with it on a gateway that has neither.",
  measure,
};

async function measure(): Promise<Measured> {
  await using free = await startGatewayProcess();
  await using ruled = await startGatewayProcess({ settings: { policy: manyRules() } });
  await using audited = await startGatewayProcess({ settings: { audit: strictAudit() } });
  await using both = await startGatewayProcess({ settings: { policy: manyRules(), audit: strictAudit() } });
  const gateways = [free, ruled, audited, both].map(({ port }) => ({ port, rates: [] as number[] }));
  const writes: number[] = [];
  for (const { port } of gateways) await measureRound(port);
  for (let round = 0; round < rounds; round++) {
    for (const { port, rates } of gateways) rates.push(await measureRound(port));
    writes.push(timeWrite());
  }
  const [without = [], withRules = [], withAudit = [], withBoth = []] = gateways.map(({ rates }) => rates);
  const figures = [
    { name: "append of 4 KiB that is on disk when it returns", value: median(writes), unit: "µs" },
    { name: "exec at 16, without policy and audit", value: median(without), unit: "/s" },
    { name: "1000 rules / without", value: median(ratios(withRules, without)), unit: "×", aim: { is: "atLeast", limit: 0.9 } as const },
    { name: "strict audit / without", value: median(ratios(withAudit, without)), unit: "×", aim: { is: "atLeast", limit: 0.9 } as const },
    {
      name: "1000 rules and strict audit / without",
      value: median(ratios(withBoth, without)),
      unit: "×",
      aim: { is: "atLeast", limit: 0.9 } as const,
    },
  ];
  return { figures };
}

/** On connections of its own: those of the other gateway's round would have stood idle for too long. */
async function measureRound(port: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: concurrency }, () => openHttpClient(port)));
  const ways = clients.map((client) => () => client.exec(body));
  const rate = await rateOf(ways, runsARound);
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
