import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ContainerDaemons, hasContainers } from "../fixtures/container-daemons.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { moreThan, openDescriptors } from "../fixtures/open-descriptors.ts";
import { promise } from "../fixtures/promise.ts";
import { skipWithout } from "../fixtures/require.ts";
import { createRandom } from "../fixtures/scripted-runtime.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

const options = { skip: skipWithout("docker", hasContainers) };

promise(
  "C8",
  "execs in a docker container, some of them aborted at any moment, leave nothing",
  async function* (scale) {
    const execs = scale === "full" ? 1000 : 30;
    const random = createRandom(8);
    await using daemons = await ContainerDaemons.start();
    const id = await daemons.container("web");
    await using gateway = await GatewayProcess.spawn({ settings: { runtimes: { docker: { socket: daemons.dockerSocket } } } });
    const request = await gateway.requester();
    const sleep = uniqueSleep();
    const exec = async (index: number): Promise<void> => {
      const isAborted = index % 10 === 0;
      const script = isAborted ? `setsid sleep ${sleep} & sleep ${sleep}` : "true";
      const body = { target: "docker:web", command: ["sh", "-c", script] };
      const signal = isAborted ? AbortSignal.timeout(1 + random(120)) : undefined;
      await request("/v1/exec", { method: "POST", body, ...(signal && { signal }) }).catch(() => undefined);
    };
    // The first ones open what stays open, such as the guard's pipe.
    await inParallel(8, 8, (index) => exec(index + 1));
    await until("idle gateway", async () => (await metric(request)) === 0);
    const isKept = (name: string): boolean => name === `socket to ${daemons.dockerSocket}`;
    const open = () => openDescriptors(gateway.child.pid ?? 0);
    const before = open();
    const more = () => moreThan(before, open()).filter((name) => !isKept(name));
    await inParallel(4, execs, exec);
    await until("idle gateway", async () => (await metric(request)) === 0, 10_000);
    await until("end of the processes", () => processesWith(sleep).length === 0).catch(() => undefined);
    yield {
      what: `processes in the container after ${execs} execs, ${execs / 10} aborted`,
      measured: processesWith(sleep).length,
      limit: 0,
      unit: "left",
    };
    await until("closed descriptors", () => more().length === 0).catch(() => undefined);
    const left = more();
    yield { what: `descriptors of the gateway (${left.join(", ") || "none"})`, measured: left.length, limit: 0, unit: "more" };
    yield { what: "connections to the daemon kept for the next call", measured: open().filter(isKept).length, limit: 16, unit: "kept" };
    const known = (await daemons.docker("inspect", "-f", "{{json .ExecIDs}}", "web")).match(/[0-9a-f]{64}/g) ?? [];
    yield { what: "execs that docker inspect still names", measured: known.length, limit: 0, unit: "left" };
    const groups = readdirSync(await groupOf(daemons, "web")).filter((name) => name.startsWith("execgate-"));
    yield { what: "control groups below the container's", measured: groups.length, limit: 0, unit: "left" };
    const shown = (await daemons.docker("top", "web")).split("\n").length - 1;
    yield { what: `processes of container ${id.slice(0, 6)} in docker top`, measured: shown, is: "exactly", limit: 1, unit: "left" };
  },
  options,
);

promise(
  "C8",
  "a container and its daemon restarted under load: every call ends, and none is told to have done what is not known",
  async function* (scale) {
    const calls = scale === "full" ? 120 : 16;
    await using daemons = await ContainerDaemons.start();
    await daemons.container("web", "--restart", "always");
    await using gateway = await GatewayProcess.spawn({ settings: { runtimes: { docker: { socket: daemons.dockerSocket } } } });
    const request = await gateway.requester();
    const ends: Record<string, number> = {};
    let untrue = 0;
    let worstMs = 0;
    const call = async (index: number): Promise<void> => {
      const begunMs = performance.now();
      const body = { target: "docker:web", command: ["sh", "-c", `sleep 0.2; echo ${index}`] };
      const { status, json } = await request("/v1/exec", { method: "POST", body });
      worstMs = Math.max(worstMs, performance.now() - begunMs);
      const { outcome, exitCode, stdout, code, drained } = json as Record<string, never> & { stdout?: { data: string } };
      const end = status === 200 ? `${outcome} ${exitCode}` : String(code);
      ends[end] = (ends[end] ?? 0) + 1;
      if (status === 200 && exitCode === 0 && drained && stdout?.data !== `${index}\n`) untrue++;
    };
    const harms = [() => daemons.docker("restart", "web"), () => daemons.stopDockerd("SIGTERM").then(() => daemons.startDockerd())];
    for (const harm of harms) {
      const load = inParallel(4, calls, call);
      await delay(300);
      await harm();
      await load;
    }
    const total = Object.values(ends).reduce((sum, count) => sum + count, 0);
    yield { what: `calls that ended: ${JSON.stringify(ends)}`, measured: total, is: "exactly", limit: 2 * calls, unit: "calls" };
    yield { what: "answers with exit code 0 and less output than there was", measured: untrue, limit: 0, unit: "calls" };
    yield { what: "the longest of them", measured: worstMs, limit: 8000, unit: "ms" };
    await until("the target", async () => (await request("/v1/targets?id=docker:web")).text.includes('"running"'), 10_000);
    const last = await request("/v1/exec", { method: "POST", body: { target: "docker:web", command: ["true"] } });
    yield { what: "the status of a call after", measured: last.status, is: "exactly", limit: 200, unit: "" };
  },
  options,
);

promise(
  "C8",
  "after SIGKILL of the gateway nothing survives in a container on its machine",
  async function* () {
    await using daemons = await ContainerDaemons.start();
    await daemons.container("web");
    const sleep = uniqueSleep();
    await using gateway = await GatewayProcess.spawn({ settings: { runtimes: { docker: { socket: daemons.dockerSocket } } } });
    const request = await gateway.requester();
    for (const tty of [false, true]) {
      const command = ["sh", "-c", `setsid sleep ${sleep} & (setsid env -i sleep ${sleep} &); trap "" TERM HUP; sleep ${sleep}`];
      await request("/v1/sessions", { method: "POST", body: { target: "docker:web", command, tty, stdin: true, keepMs: 60_000 } });
    }
    await until("the commands", () => processesWith(sleep).length >= 6);
    const begunMs = performance.now();
    gateway.child.kill("SIGKILL");
    await until("end of the commands", () => processesWith(sleep).length === 0).catch(() => undefined);
    yield { what: "processes of two commands, pipe and tty", measured: processesWith(sleep).length, limit: 0, unit: "left" };
    yield { what: "time until all are gone", measured: performance.now() - begunMs, limit: 2000, unit: "ms" };
    const parent = await groupOf(daemons, "web");
    const groups = () => readdirSync(parent).filter((name) => name.startsWith("execgate-")).length;
    await until("removal of the groups", () => groups() === 0).catch(() => undefined);
    yield { what: "control groups below the container's", measured: groups(), limit: 0, unit: "left" };
  },
  options,
);

async function metric(request: Awaited<ReturnType<GatewayProcess["requester"]>>): Promise<number> {
  const { text } = await request("/metrics");
  const series = [...text.matchAll(/^execgate_sessions_active\{.*\} (\d+)$/gm)];
  return series.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The directory of a container's control group (v2). */
async function groupOf(daemons: ContainerDaemons, name: string): Promise<string> {
  const pid = await daemons.docker("inspect", "-f", "{{.State.Pid}}", name);
  const path = /^0::(.*)$/m.exec(await readFile(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
  const mount = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").find((line) => / - cgroup2 /.test(line));
  return `${mount?.split(" ")[4]}${path}`;
}
