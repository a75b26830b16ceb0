import { bareSpawn } from "./bare-spawn.ts";
import { rateOf, ratios } from "./busy.ts";
import { type Measured, median, type Part } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { compilePeer, runPeer } from "./peers.ts";

const rounds = 8;
const concurrency = 16;
const runsARound = 1000;
const body = JSON.stringify({ command: ["/bin/true"] });

/** How many commands a second can be run. */
export const rate: Part = {
  name: "rate",
  about: "Runs of `/bin/true` a second, 16 at a time, through the gateway, by `child_process.spawn` and by one loop of `posix_spawn` in C.",
  measure,
};

async function measure(): Promise<Measured> {
  const peer = compilePeer("spawn-loop");
  await using gateway = await startGatewayProcess();
  const clients = await Promise.all(Array.from({ length: concurrency }, () => openHttpClient(gateway.port)));
  const ways = clients.map((client) => () => client.exec(body));
  const bareWays = ways.map(() => bareSpawn);
  await rateOf(ways, runsARound);
  await rateOf(bareWays, runsARound);
  const [ours, bare, direct]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await rateOf(ways, runsARound));
    bare.push(await rateOf(bareWays, runsARound));
    const [us = Number.NaN] = runPeer(peer, String(runsARound), String(concurrency));
    direct.push((runsARound * 1e6) / us);
  }
  for (const client of clients) client[Symbol.dispose]();
  const bars = [
    { label: "execgate", value: median(ours) },
    { label: "Node's spawn", value: median(bare) },
    { label: "posix_spawn in C", value: median(direct) },
  ];
  const atLeastOne = { is: "atLeast", limit: 1 } as const;
  return {
    figures: [
      { name: "exec at 16", value: median(ours), unit: "/s" },
      { name: "bare spawn at 16", value: median(bare), unit: "/s" },
      { name: "C posix_spawn at 16", value: median(direct), unit: "/s" },
      { name: "exec / bare spawn, at 16", value: median(ratios(ours, bare)), unit: "×", aim: atLeastOne },
      { name: "exec / C posix_spawn, at 16", value: median(ratios(ours, direct)), unit: "×", aim: atLeastOne },
    ],
    chart: { title: "Runs of /bin/true a second, 16 at a time", unit: "/s", bars },
  };
}
