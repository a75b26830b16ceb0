import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { echoTimes, openEcho } from "../fixtures/echo.ts";
import { dial } from "../fixtures/exec-client.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise, type Row, type Scale, sideBySide } from "../fixtures/promise.ts";
import { skipWithout } from "../fixtures/require.ts";
import { testToken } from "../fixtures/token.ts";
import { processesWith, uniqueSleep } from "../fixtures/until.ts";

const client = fileURLToPath(new URL("staying-client.js", import.meta.url));

promise("C7", "SIGTERM drains: nothing new, time for what runs, then 1001 and 0", async function* (scale) {
  const shutdownMs = scale === "full" ? 5000 : 1500;
  await using gateway = await GatewayProcess.spawn({ settings: { limits: { shutdownMs } } });
  const [url, request, sleep] = [await gateway.url(), await gateway.requester(), uniqueSleep()];
  const clients = await Promise.all(Array.from({ length: 5 }, () => dial(`${url}/v1/exec?tty=1&command=sleep&command=${sleep}`)));
  for (const one of clients) await one.control("attached");
  const beganMs = performance.now();
  gateway.child.kill("SIGTERM");
  await gateway.logged("draining");
  yield { what: "/readyz while draining", measured: (await request("/readyz")).status, is: "exactly", limit: 503, unit: "" };
  const late = await request("/v1/exec", { method: "POST", body: { command: ["true"] } });
  yield { what: "a new exec while draining", measured: late.status, is: "exactly", limit: 503, unit: "" };
  const codes = await Promise.all(clients.map(async (one) => (await one.closed).code));
  yield {
    what: "of 5 clients, closed with 1001",
    measured: codes.filter((code) => code === 1001).length,
    is: "exactly",
    limit: 5,
    unit: "clients",
  };
  const { status } = await gateway.exited;
  yield { what: `the end after ${shutdownMs} ms, later by`, measured: performance.now() - beganMs - shutdownMs, limit: 2500, unit: "ms" };
  yield { what: "exit status", measured: status ?? -1, is: "exactly", limit: 0, unit: "" };
  yield { what: "processes left", measured: processesWith(sleep).length, limit: 0, unit: "processes" };
});

promise("C7", "a second signal ends what runs at once, whatever grace it has", async function* () {
  await using gateway = await GatewayProcess.spawn({ settings: { limits: { killGraceMs: 60_000 } } });
  const [url, request] = [await gateway.url(), await gateway.requester()];
  const deaf = `trap "echo asked" TERM; while :; do sleep 1; done`;
  const open = () => dial(`${url}/v1/exec?${new URLSearchParams(["sh", "-c", deaf].map((word) => ["command", word]))}`);
  using running = await open();
  using stopped = await open();
  await running.control("attached");
  const { session } = await stopped.control("attached");
  const deleted = request(`/v1/sessions/${session}`, { method: "DELETE" });
  await stopped.untilStdout("asked");
  gateway.child.kill("SIGTERM");
  await gateway.logged("draining");
  const beganMs = performance.now();
  gateway.child.kill("SIGINT");
  const { status } = await gateway.exited;
  yield { what: "the end after a second signal", measured: performance.now() - beganMs, limit: 2000, unit: "ms" };
  yield { what: "exit status after a second signal", measured: status ?? -1, is: "exactly", limit: 0, unit: "" };
  yield { what: "close code of its client", measured: (await running.closed).code, is: "exactly", limit: 1001, unit: "" };
  yield { what: "status of a DELETE whose grace was under way", measured: (await deleted).status, is: "exactly", limit: 200, unit: "" };
});

/** How long silence is borne, which is three beats, and how long a peer that answers is watched before. The quick scale beats faster. */
function silence(scale: Scale) {
  const heartbeatMs = scale === "full" ? 15_000 : 500;
  return {
    limits: { heartbeatMs },
    limit: scale === "full" ? 45_000 : 3 * heartbeatMs + 500,
    keptMs: scale === "full" ? 20_000 : 4 * heartbeatMs,
  };
}

/** Milliseconds until the gateway gives up the only client, which answers until `vanish` is called. */
async function givenUpAfter(gateway: GatewayProcess, keptMs: number, vanish: () => void): Promise<number> {
  await delay(keptMs);
  assert.ok(!gateway.stderr.includes('"msg":"exec"'), "a client that answers is kept");
  vanish();
  const beganMs = performance.now();
  const { endedBy } = await gateway.logged("exec");
  assert.equal(endedBy, "disconnect");
  return performance.now() - beganMs;
}

async function attached(peer: ChildProcess): Promise<ChildProcess> {
  assert.ok(peer.stdout !== null);
  await once(peer.stdout, "data");
  return peer;
}

async function* stop(scale: Scale): AsyncIterable<Row> {
  const { limits, limit, keptMs } = silence(scale);
  await using gateway = await GatewayProcess.spawn({ settings: { limits } });
  const url = `${(await gateway.url()).replace("http", "ws")}/v1/exec?command=sleep&command=100`;
  const peer = await attached(spawn(process.execPath, [client, url, testToken], { stdio: ["ignore", "pipe", "inherit"] }));
  const ms = await givenUpAfter(gateway, keptMs, () => peer.kill("SIGSTOP"));
  peer.kill("SIGKILL");
  yield { what: "a stopped client is given up after", measured: ms, limit, unit: "ms" };
}

/** A network of its own for a peer, joined to this one by a cable that can be pulled. */
class Cable implements Disposable {
  readonly name = `eg${process.pid}`;
  readonly address = `10.213.${process.pid % 250}.1`;

  constructor() {
    this.#ip("netns", "add", this.name);
    this.#ip("link", "add", this.name, "type", "veth", "peer", "name", "far", "netns", this.name);
    this.#ip("addr", "add", `${this.address}/24`, "dev", this.name);
    this.#ip("link", "set", this.name, "up");
    this.#ip("-n", this.name, "addr", "add", this.address.replace(/1$/, "2/24"), "dev", "far");
    this.#ip("-n", this.name, "link", "set", "far", "up");
  }

  pull(): void {
    this.#ip("link", "set", this.name, "down");
  }

  [Symbol.dispose](): void {
    this.#ip("link", "del", this.name);
    this.#ip("netns", "del", this.name);
  }

  #ip(...args: string[]): void {
    execFileSync("ip", args);
  }
}

function hasNetworks(): boolean {
  try {
    execFileSync("ip", ["netns", "list"], { stdio: "ignore" });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

async function* unplug(scale: Scale): AsyncIterable<Row> {
  const { limits, limit, keptMs } = silence(scale);
  using cable = new Cable();
  const sha256 = createHash("sha256").update(testToken).digest("hex");
  await using gateway = await GatewayProcess.spawn({
    listen: [`https://${cable.address}:0`],
    settings: { limits, auth: { tokens: [{ id: "test", sha256 }] } },
    isTokenGiven: false,
  });
  const url = `${(await gateway.url()).replace("https", "wss")}/v1/exec?command=sleep&command=100`;
  const argv = ["netns", "exec", cable.name, process.execPath, client, url, testToken];
  const peer = await attached(spawn("ip", argv, { stdio: ["ignore", "pipe", "inherit"] }));
  const ms = await givenUpAfter(gateway, keptMs, () => cable.pull());
  peer.kill("SIGKILL");
  yield { what: "a client without a network is given up after", measured: ms, limit, unit: "ms" };
}

const faketime = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((library) => existsSync(library));

async function* jump(scale: Scale): AsyncIterable<Row> {
  const heartbeatMs = scale === "full" ? 2000 : 300;
  const file = join(tmpdir(), `execgate-clock-${process.pid}`);
  const setClock = (offset: string): void => writeFileSync(file, offset);
  setClock("+0");
  const fake = { FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  await using gateway = await GatewayProcess.spawn({
    settings: { limits: { heartbeatMs, idleMs: 60_000 } },
    env: { LD_PRELOAD: faketime ?? "", ...fake },
  });
  const [url, request] = [await gateway.url(), await gateway.requester()];
  using echo = await openEcho(url);
  const dayMs = 86_400_000;
  for (const [offset, days] of [
    ["+1d", 1],
    ["-1d", -1],
  ] as const) {
    const timed = request("/v1/exec", { method: "POST", body: { command: ["sleep", "100"], timeoutMs: 1000 } });
    await delay(300);
    setClock(offset);
    const answer = (await timed).json as ExecAnswer;
    assert.equal(answer.outcome, "timeout", JSON.stringify(answer));
    yield {
      what: `a timeout of 1000 ms when the clock is set ${offset}, off by`,
      measured: Math.abs(answer.durationMs - 1000),
      limit: 300,
      unit: "ms",
    };
    const { startedAt } = (await request("/v1/exec", { method: "POST", body: { command: ["true"] } })).json as { startedAt: string };
    const moved = Math.round((Date.parse(startedAt) - Date.now()) / dayMs);
    yield { what: "days that the clock was set by, as answers tell", measured: moved, is: "exactly", limit: days, unit: "days" };
    await delay(heartbeatMs * 3.5);
    const times = await echoTimes(echo, 20);
    yield {
      what: `a terminal lives on three beats after ${offset}, echoes`,
      measured: times.length,
      is: "exactly",
      limit: 20,
      unit: "echoes",
    };
  }
  rmSync(file);
}

sideBySide("what time tells of", () => {
  promise("C7", "a peer that was stopped is given up", stop);
  promise("C7", "a peer whose network went down is given up", unplug, { skip: skipWithout("netns", hasNetworks()) });
  promise("C7", "a clock that jumps by a day neither drops nor immortalizes a session", jump, {
    skip: skipWithout("faketime", faketime !== undefined),
  });
});
