import { bareSpawn } from "./bare-spawn.ts";
import { timed } from "./busy.ts";
import { type Figure, type Measured, median, type Part, quantile } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { compilePeer, runPeer } from "./peers.ts";
import { manyRules, strictAudit } from "./settings.ts";

const rounds = 24;
const runsARound = 60;
const warmUps = 300;
const body = JSON.stringify({ command: ["/bin/true"] });

/** One exec after the other, and in turn with it what it is compared to, so that noise hits all alike. */
export const latency: Part = {
  name: "latency",
  about:
    "`POST /v1/exec` of `/bin/true`, one after the other on one connection, isolation on; the same under 1000 rules and a strict audit; Node's `child_process.spawn`; a loop of `posix_spawn` in C with two pipes.",
  measure,
};

async function measure(): Promise<Measured> {
  const peer = compilePeer("spawn-loop");
  await using gateway = await startGatewayProcess();
  await using guarded = await startGatewayProcess({ settings: { policy: manyRules(), audit: strictAudit() } });
  using client = await openHttpClient(gateway.port);
  using guardedClient = await openHttpClient(guarded.port);
  const ways = [() => client.exec(body), () => guardedClient.exec(body), bareSpawn].map((run) => ({ run, samples: [] as number[] }));
  for (const { run } of ways) for (let i = 0; i < warmUps; i++) await run();
  const direct: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { run, samples } of ways) samples.push(...(await timeRound(run)));
    const [, ...us] = runPeer(peer, String(runsARound), "1");
    direct.push(...us.map((one) => one / 1000));
  }
  const [ours = [], guardedOurs = [], bare = []] = ways.map(({ samples }) => samples);
  const bars = [
    { label: "execgate", value: median(ours) },
    { label: "execgate, 1000 rules, strict audit", value: median(guardedOurs) },
    { label: "Node's spawn", value: median(bare) },
    { label: "posix_spawn in C", value: median(direct) },
  ];
  return { figures: figuresOf(ours, guardedOurs, bare, direct), chart: { title: "One exec of /bin/true, p50", unit: "ms", bars } };
}

/** The milliseconds of each run of one round. */
async function timeRound(run: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < runsARound; i++) samples.push(await timed(run));
  return samples;
}

function figuresOf(ours: number[], guarded: number[], bare: number[], direct: number[]): Figure[] {
  const p99 = (samples: number[]) => quantile(samples, 0.99);
  const ratio = (name: string, value: number, limit: number): Figure => ({ name, value, unit: "×", aim: { is: "atMost", limit } });
  return [
    { name: "exec p50", value: median(ours), unit: "ms" },
    { name: "exec p99", value: p99(ours), unit: "ms" },
    { name: "exec under rules and audit p50", value: median(guarded), unit: "ms" },
    { name: "exec under rules and audit p99", value: p99(guarded), unit: "ms" },
    { name: "bare spawn p50", value: median(bare), unit: "ms" },
    { name: "bare spawn p99", value: p99(bare), unit: "ms" },
    { name: "C posix_spawn p50", value: median(direct), unit: "ms" },
    { name: "C posix_spawn p99", value: p99(direct), unit: "ms" },
    ratio("exec p50 / bare spawn p50", median(ours) / median(bare), 0.9),
    ratio("exec p99 / bare spawn p99", p99(ours) / p99(bare), 0.9),
    ratio("exec under rules and audit p50 / bare spawn p50", median(guarded) / median(bare), 0.9),
    ratio("exec p50 / C posix_spawn p50", median(ours) / median(direct), 2),
    ratio("exec under rules and audit p50 / C posix_spawn p50", median(guarded) / median(direct), 2),
  ];
}
