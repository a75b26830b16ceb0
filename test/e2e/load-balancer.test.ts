import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startDaemon } from "../fixtures/daemon.ts";
import { freePort } from "../fixtures/free-port.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { skipWithout } from "../fixtures/require.ts";
import { until } from "../fixtures/until.ts";

const program = "/usr/sbin/haproxy";

/** HAProxy with a server for each path, which counts as up while the path answers its health check with a 2xx. */
function configOf(served: TestGateway, paths: Readonly<Record<string, string>>, port: number): string {
  const backends = Object.entries(paths).map(
    ([name, path]) => `backend ${name}
  option httpchk GET ${path}
  server gate ${new URL(served.url).host} check inter 100ms fall 1 rise 1`,
  );
  return `defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout check 5s
frontend states
  bind 127.0.0.1:${port}
  stats enable
  stats uri /
${backends.join("\n")}
`;
}

test("a load balancer takes out what a probe fails, and a gateway that drains", {
  skip: skipWithout("haproxy", existsSync(program)),
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), "execgate-haproxy-"));
  const probe = (command: string) => ({ target: "host", command: [command], cacheMs: 0, public: true });
  await using served = await openGateway({ probes: { well: probe("true"), ill: probe("false") } });
  const [port, file] = [await freePort(), join(dir, "haproxy.cfg")];
  const paths = { well: "/v1/probes/well", ill: "/v1/probes/ill", ready: "/readyz" };
  await writeFile(file, configOf(served, paths, port));
  await using _ = await startDaemon([program, "-db", "-f", file], `http://127.0.0.1:${port}/;csv`);
  /** The state of each backend's server, and the HTTP status of its last check. */
  const states = async (): Promise<Record<string, string>> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/;csv`)).text();
    const [head = "", ...rows] = text.replace(/^# /, "").split("\n");
    const columns = ["pxname", "svname", "status", "check_code"].map((name) => head.split(",").indexOf(name));
    const read = rows.map((row) => columns.map((column) => row.split(",")[column]));
    return Object.fromEntries(read.filter(([, server]) => server === "gate").map(([name, , status, code]) => [name, `${status} ${code}`]));
  };
  const wanted = { well: "UP 200", ill: "DOWN 503", ready: "UP 200" };
  await until("what the checks say", async () => Object.entries(await states()).every(([name, state]) => state === wanted[name as "ill"]));
  const draining = new AbortController();
  const running = served.request("/v1/exec", { method: "POST", body: { command: ["sleep", "20"] } }).catch(() => undefined);
  await until("a session", async () => (await served.metric("execgate_sessions_active")) === 1);
  const ended = served.shutdown(draining.signal);
  await until("the drain seen", async () => (await states()).ready === "DOWN 503");
  draining.abort();
  await Promise.all([ended, running]);
  assert.ok((await states()).ready?.startsWith("DOWN"));
  await rm(dir, { recursive: true });
});
