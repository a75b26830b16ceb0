import { readdirSync, readFileSync } from "node:fs";
import { dial } from "../fixtures/exec-client.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";
import { until } from "../fixtures/until.ts";

const processesMax = 64;
/** A name of its own for every run, of the length that the kernel keeps. */
const bombName = `bomb${process.pid}`;

/** Forks for ever, and does not give up at the limit as a shell does. */
const bomb = ["perl", "-e", `$0 = "${bombName}"; fork while 1`];

promise("B8", "a fork bomb stays in its limit, others keep their latency, and it is gone within 1 s of its end", async function* (scale) {
  await using gateway = await GatewayProcess.spawn({ settings: { limits: { processesPerSessionMax: processesMax } } });
  const [url, request] = [await gateway.url(), await gateway.requester()];
  const { processes = "" } = await gateway.isolation();
  const bestEffort = processes.includes("cgroup") ? undefined : `processes are ${processes}: the kernel counts all of the user's`;
  using echo = await dial(`${url}/v1/exec?command=cat&tty=0&stdin=1`);
  const body = { command: bomb, timeoutMs: scale === "full" ? 20_000 : 3000 };
  const { headers } = await request("/v1/sessions", { method: "POST", body });
  await until("processes at the limit", () => countBombs() >= processesMax / 2, 10_000);
  let most = 0;
  const roundTrips: number[] = [];
  for (const endMs = performance.now() + (scale === "full" ? 10_000 : 1500); performance.now() < endMs; ) {
    most = Math.max(most, countBombs());
    roundTrips.push(await roundTrip(echo, roundTrips.length));
  }
  yield {
    what: `processes of the bomb, with processesPerSessionMax ${processesMax}`,
    measured: most,
    limit: processesMax,
    unit: "processes",
    bestEffort,
  };
  roundTrips.sort((a, b) => a - b);
  const p99 = roundTrips[Math.floor(roundTrips.length * 0.99)] ?? Number.POSITIVE_INFINITY;
  yield { what: `echo p99 of another session beside the bomb, of ${roundTrips.length}`, measured: p99, limit: 100, unit: "ms" };
  const ended = performance.now();
  await request(String(headers.location), { method: "DELETE" });
  await until("end of the bomb", () => countBombs() === 0, 10_000);
  yield { what: "time from DELETE until the bomb is gone", measured: performance.now() - ended, limit: 1000, unit: "ms" };
  const { termination } = (await request(`${headers.location}/result`)).json as ExecAnswer;
  yield { what: "end of the bomb that is not verified", measured: termination === "verified" ? 0 : 1, limit: 0, unit: "ends" };
  const { json } = await request("/v1/exec", { method: "POST", body: { command: ["echo", "alive"] } });
  yield {
    what: "execs that work afterwards",
    measured: (json as ExecAnswer).exitCode === 0 ? 1 : 0,
    is: "exactly",
    limit: 1,
    unit: "exec",
  };
});

async function roundTrip(echo: Awaited<ReturnType<typeof dial>>, number: number): Promise<number> {
  const beganMs = performance.now();
  echo.stdin(`<${number}>`);
  await echo.untilStdout(`<${number}>`);
  return performance.now() - beganMs;
}

function countBombs(): number {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isBomb(name)).length;
}

/**
 * By its name: a look at the command line would wait for memory that the bomb holds locked nearly always. A zombie is gone
 * as soon as init looks at it, and does nothing until then.
 */
function isBomb(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.includes(`(${bombName})`) && !stat.includes(`(${bombName}) Z`);
  } catch {
    return false;
  }
}
