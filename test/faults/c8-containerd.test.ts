import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Containerd, withoutContainerd } from "../fixtures/containerd.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { moreThan, openDescriptors } from "../fixtures/open-descriptors.ts";
import { promise } from "../fixtures/promise.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

async function openGateway({ socket, fifoDir, namespace }: Containerd): Promise<GatewayProcess> {
  return await GatewayProcess.spawn({ settings: { runtimes: { containerd: { socket, fifoDir, namespaces: [namespace] } } } });
}

promise(
  "C8",
  "execs in a container of containerd, some aborted at random moments, leave nothing behind",
  async function* (scale) {
    const count = scale === "full" ? 1000 : 40;
    await using daemon = await Containerd.start();
    await daemon.runContainer("web");
    await using gateway = await openGateway(daemon);
    const request = await gateway.requester();
    const target = daemon.target("web");
    const sleep = uniqueSleep();
    const held = () => ({
      "descriptors of the gateway": openDescriptors(gateway.child.pid ?? 0),
      "descriptors of containerd": openDescriptors(...daemon.pids),
      "processes of commands": processesWith(sleep).map(String),
      "execs that containerd knows": daemon.execs("web"),
      FIFOs: daemon.fifos(),
    });
    const exec = async (command: readonly string[], signal?: AbortSignal) =>
      await request("/v1/exec", { method: "POST", body: { target, command, encoding: "utf8" }, ...(signal && { signal }) });
    // The first ones open what stays open: connections, modules, the guard.
    await inParallel(8, 8, async () => void (await exec(["true"])));
    await until("end of the first ones", () => daemon.fifos().length === 0);
    const before = held();

    let wrong = 0;
    await inParallel(8, count, async (i) => {
      const isAborted = i % 10 === 0;
      const script = isAborted ? `setsid sleep ${sleep} & sleep ${sleep}` : `echo ${i}`;
      const abort = new AbortController();
      const answered = exec(["sh", "-c", script], abort.signal).catch(() => undefined);
      if (isAborted) {
        // Anywhere from before the request was read until after the command began.
        await delay((i * 7919) % 120);
        abort.abort();
      }
      const answer = await answered;
      if (!isAborted && (answer?.json as ExecAnswer | undefined)?.stdout?.data !== `${i}\n`) wrong++;
    });
    yield { what: `answers that were not the command's, of ${count} execs`, measured: wrong, limit: 0, unit: "answers" };
    const more = () => {
      const now = held();
      return (Object.keys(before) as (keyof typeof before)[]).map((what) => ({ what, names: moreThan(before[what], now[what]) }));
    };
    await until("return to what was held before", () => more().every(({ names }) => names.length === 0), 10_000).catch(() => undefined);
    for (const { what, names } of more()) {
      yield {
        what: `${what} more than before (${names.join(", ") || "none"}), after ${count} execs`,
        measured: names.length,
        limit: 0,
        unit: "",
      };
    }
  },
  { skip: withoutContainerd },
);

promise(
  "C8",
  "restarts of a container and of containerd under load are told as what they are",
  async function* (scale) {
    const restarts = scale === "full" ? 6 : 1;
    await using daemon = await Containerd.start();
    await daemon.runContainer("web");
    await using gateway = await openGateway(daemon);
    const request = await gateway.requester();
    const target = daemon.target("web");
    const outcomes: Record<string, number> = {};
    const confirmed: number[] = [];
    let [isOver, next, slowestMs] = [false, 0, 0];
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const id = next++;
        const began = performance.now();
        const body = { target, command: ["sh", "-c", `echo ${id} >>/tmp/runs; sleep 0.1; echo ${id}`], encoding: "utf8" };
        const { status, json } = await request("/v1/exec", { method: "POST", body });
        slowestMs = Math.max(slowestMs, performance.now() - began);
        const how = status === 200 ? (json as ExecAnswer) : undefined;
        const word = how === undefined ? (json as { code: string }).code : `${how.outcome} ${how.exitCode}`;
        outcomes[word] = (outcomes[word] ?? 0) + 1;
        if (how?.outcome === "exited" && how.exitCode === 0 && how.stdout.data === `${id}\n`) confirmed.push(id);
        else if (how?.exitCode === 0) outcomes.untrue = (outcomes.untrue ?? 0) + 1;
        if (status !== 200) await delay(20);
      }
    });
    for (let round = 0; round < restarts; round++) {
      await delay(300);
      await daemon.ctr("tasks", "kill", "-s", "SIGKILL", "web");
      await until("end of the container", () =>
        daemon.ctr("tasks", "delete", "web").then(
          () => true,
          () => false,
        ),
      );
      await daemon.ctr("tasks", "start", "-d", "web");
      await delay(300);
      await daemon.stop(round % 2 === 0 ? "SIGTERM" : "SIGKILL");
      await delay(300);
      await daemon.launch();
    }
    await delay(300);
    isOver = true;
    await Promise.all(load);
    const { json } = await request("/v1/exec", { method: "POST", body: { target, command: ["cat", "/tmp/runs"], encoding: "utf8" } });
    const runs = (json as ExecAnswer).stdout.data.trimEnd().split("\n").map(Number);
    const allowed = ["exited 0", "exited 137", "lost null", "RUNTIME_UNAVAILABLE", "TARGET_NOT_RUNNING"];
    const others = Object.entries(outcomes).filter(([word]) => !allowed.includes(word));
    assert.deepEqual(others, []);
    const word = Object.entries(outcomes).map(([what, times]) => `${times} × ${what}`);
    yield { what: `commands run twice, of ${next} (${word.join(", ")})`, measured: runs.length - new Set(runs).size, limit: 0, unit: "" };
    const untrue = confirmed.filter((id) => !runs.includes(id)).length;
    yield { what: "answers of commands that did not run", measured: untrue, limit: 0, unit: "" };
    yield { what: "commands that ended by themselves", measured: confirmed.length, is: "atLeast", limit: 1, unit: "" };
    yield { what: "slowest answer", measured: slowestMs, limit: 5500, unit: "ms" };
    await until("end of what is left", () => daemon.execs("web").length === 0 && daemon.fifos().length === 0, 10_000).catch(
      () => undefined,
    );
    yield { what: "execs and FIFOs that are left", measured: daemon.execs("web").length + daemon.fifos().length, limit: 0, unit: "" };
  },
  { skip: withoutContainerd },
);
