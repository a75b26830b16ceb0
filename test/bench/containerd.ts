import { Containerd, withoutContainerd } from "../fixtures/containerd.ts";
import { Cri } from "../fixtures/cri.ts";
import { timed } from "./busy.ts";
import { type Figure, type Measured, median, type Part, quantile } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";

const rounds = 20;
const runsARound = 20;
const warmUps = 40;

/** Commands in containers of containerd. */
export const containerd: Part = {
  name: "containerd",
  about:
    "`/bin/true` in a pod's container of a real containerd, one after the other: through the gateway, and by Kubernetes' `ExecSync`, which containerd serves within its own process. In turns of 20, so that each pays for its own deletions.",
  missing: () => withoutContainerd || undefined,
  measure,
};

async function measure(): Promise<Measured> {
  await using daemon = await Containerd.start("k8s.io");
  using cri = new Cri(daemon.socket);
  const id = await cri.runPod("bench", "one");
  const { socket, fifoDir } = daemon;
  await using gateway = await startGatewayProcess({ settings: { runtimes: { containerd: { socket, fifoDir } } } });
  using client = await openHttpClient(gateway.port);
  const body = JSON.stringify({ target: "containerd:k8s.io/bench/one", command: ["/bin/true"] });
  const ways = [() => client.exec(body), () => cri.execSync(id, ["/bin/true"])];
  for (const way of ways) for (let i = 0; i < warmUps; i++) await way();
  const samples: number[][] = ways.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, way] of ways.entries()) for (let run = 0; run < runsARound; run++) samples[i]?.push(await timed(way));
  }
  const [ours = [], theirs = []] = samples;
  const bars = [
    { label: "execgate", value: median(ours) },
    { label: "ExecSync", value: median(theirs) },
  ];
  return {
    figures: figuresOf(ours, theirs),
    chart: { title: "One exec of /bin/true in a container of containerd, p50", unit: "ms", bars },
  };
}

function figuresOf(ours: readonly number[], theirs: readonly number[]): Figure[] {
  const [oursP99, theirsP99] = [quantile(ours, 0.99), quantile(theirs, 0.99)];
  return [
    { name: "exec in containerd p50", value: median(ours), unit: "ms" },
    { name: "exec in containerd p99", value: oursP99, unit: "ms" },
    { name: "ExecSync p50", value: median(theirs), unit: "ms" },
    { name: "ExecSync p99", value: theirsP99, unit: "ms" },
    { name: "exec p50 / ExecSync p50", value: median(ours) / median(theirs), unit: "×", aim: { is: "atMost", limit: 1.1 } },
    { name: "exec p99 / ExecSync p99", value: oursP99 / theirsP99, unit: "×", aim: { is: "atMost", limit: 1.1 } },
  ];
}
