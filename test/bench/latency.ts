import { bareSpawn } from "./bare-spawn.ts";
import { type Figure, median, type Part, quantile } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { compilePeer, runPeer } from "./peers.ts";

const rounds = 24;
const runsARound = 60;
const warmUps = 300;
const body = JSON.stringify({ command: ["/bin/true"] });

/** `POST /v1/exec` of `/bin/true`, one after the other, and in turn with it what it is compared to, so that noise hits all alike. */
export const latency: Part = { name: "latency", measure };

async function measure(): Promise<readonly Figure[]> {
  const peer = compilePeer("spawn-loop");
  await using gateway = await startGatewayProcess();
  using client = await openHttpClient(gateway.port);
  const exec = () => client.exec(body);
  for (let i = 0; i < warmUps; i++) await exec();
  for (let i = 0; i < warmUps; i++) await bareSpawn();
  const ours: number[] = [];
  const bare: number[] = [];
  const direct: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(...(await timed(exec)));
    bare.push(...(await timed(bareSpawn)));
    direct.push(
      ...runPeer(peer, String(runsARound), "1")
        .slice(1)
        .map((us) => us / 1000),
    );
  }
  return figuresOf(ours, bare, direct);
}

/** The milliseconds of each run of one round. */
async function timed(run: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < runsARound; i++) {
    const began = performance.now();
    await run();
    samples.push(performance.now() - began);
  }
  return samples;
}

function figuresOf(ours: number[], bare: number[], direct: number[]): Figure[] {
  const [oursP99, bareP99] = [quantile(ours, 0.99), quantile(bare, 0.99)];
  return [
    { name: "exec p50", value: median(ours), unit: "ms" },
    { name: "exec p99", value: oursP99, unit: "ms" },
    { name: "bare spawn p50", value: median(bare), unit: "ms" },
    { name: "bare spawn p99", value: bareP99, unit: "ms" },
    { name: "C posix_spawn p50", value: median(direct), unit: "ms" },
    { name: "exec p50 / bare spawn p50", value: median(ours) / median(bare), unit: "×", aim: { is: "atMost", limit: 0.9 } },
    { name: "exec p99 / bare spawn p99", value: oursP99 / bareP99, unit: "×", aim: { is: "atMost", limit: 0.9 } },
    { name: "exec p50 / C posix_spawn p50", value: median(ours) / median(direct), unit: "×" },
  ];
}
