import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dial } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { until } from "../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway();
});
after(() => served[Symbol.asyncDispose]());

test("info tells version, runtimes, limits and who the caller is", async () => {
  const { name, version, principal, runtimes, limits } = (await served.request("/v1/info")).json as Record<string, unknown>;
  assert.equal(name, "execgate");
  assert.match(String(version), /^\d+\.\d+\.\d+/);
  assert.deepEqual(principal, { subject: "user:owner", groups: [], credential: "owner", expiresAt: null });
  const [host] = runtimes as { name: string; kind: string; capabilities: object; isolation: object }[];
  assert.deepEqual([host?.name, host?.kind], ["host", "host"]);
  assert.deepEqual(Object.keys(host?.capabilities ?? {}).sort(), ["signal", "tty", "user"]);
  const { execTimeoutMsDefault, bodyBytesMax } = limits as Record<string, number>;
  assert.deepEqual([execTimeoutMsDefault, bodyBytesMax], [30_000, 1_048_576]);
});

test("targets are listed, filtered and looked up", async () => {
  const ask = async (query: string) => (await served.request(`/v1/targets${query}`)).json;
  const host = { targets: [{ id: "host", runtime: "host", name: "host", state: "running", labels: {} }] };
  for (const query of ["", "?id=host", "?runtime=host", "?limit=1"]) assert.deepEqual(await ask(query), host);
  for (const query of ["?runtime=docker", "?label=a=b", "?continue=host"]) assert.deepEqual(await ask(query), { targets: [] });
  assert.equal((await served.request("/v1/targets?id=docker:web")).status, 404);
});

test("alive and ready need no token, and ready tells what isolation holds", async () => {
  const headers = { authorization: undefined };
  assert.deepEqual((await served.request("/healthz", { headers })).json, { status: "ok" });
  const ready = await served.request("/readyz", { headers });
  const { status, runtimes } = ready.json as { status: string; runtimes: Record<string, { up: boolean; isolation: object }> };
  assert.deepEqual([ready.status, status, runtimes.host?.up], [200, "ready", true]);
  assert.ok(Object.keys(runtimes.host?.isolation ?? {}).length > 0);
  assert.equal((await served.request("/healthz", { method: "HEAD", headers })).text, "");
});

test("a connection may idle for longer than proxies let it", async () => {
  const { headers } = await served.request("/healthz", { headers: { connection: "keep-alive" } });
  assert.equal(headers["keep-alive"], "timeout=75");
});

const names = `execs_total exec_duration_seconds exec_start_seconds sessions_active clients_active stream_bytes_total
  output_truncated_total refused_total terminations_total backpressure_seconds_total probe_success
  probe_duration_seconds audit_events_total runtime_up build_info`;

test("every metric of the contract that applies is there, with its labels", async () => {
  await served.exec({ command: ["sh", "-c", "echo hi; exit 3"] });
  await served.exec({ command: ["sleep", "60"], timeoutMs: 50 });
  const { text, headers } = await served.request("/metrics");
  assert.match(String(headers["content-type"]), /^text\/plain; version=0\.0\.4/);
  for (const name of names.split(/\s+/)) assert.match(text, new RegExp(`^# TYPE execgate_${name} `, "m"));
  assert.match(text, /^execgate_execs_total\{runtime="host",mode="sync",outcome="exited",exit="nonzero"\} 1$/m);
  assert.match(text, /^execgate_execs_total\{runtime="host",mode="sync",outcome="timeout",exit="none"\} 1$/m);
  assert.match(text, /^execgate_runtime_up\{runtime="host"\} 1$/m);
  assert.match(text, /^process_resident_memory_bytes /m);
  assert.equal(await served.metric("execgate_stream_bytes_total", 'stream="stdout"'), 3);
  assert.equal(await served.metric("execgate_sessions_active"), 0);
});

test("what can be counted is there from the start, with 0", async () => {
  await using fresh = await openGateway();
  const { text } = await fresh.request("/metrics");
  const run = 'runtime="host",mode="interactive"';
  for (const series of [
    `execs_total{${run},outcome="lost",exit="none"}`,
    `exec_duration_seconds_count{${run}}`,
    'exec_start_seconds_count{runtime="host"}',
    `sessions_active{${run}}`,
    'clients_active{protocol="v5.channel.k8s.io"}',
    'stream_bytes_total{stream="stderr"}',
    "output_truncated_total",
    'refused_total{code="FORBIDDEN"}',
    'terminations_total{kind="bestEffort"}',
    "backpressure_seconds_total",
    'audit_events_total{event="authz.deny"}',
  ]) {
    assert.ok(text.includes(`\nexecgate_${series} 0\n`), series);
  }
});

test("odd paths, methods, targets and commands add no series", async () => {
  const series = async () => (await served.request("/metrics")).text.split("\n").filter((line) => /^execgate_/.test(line)).length;
  const odd = async (i: number) => {
    await served.request(`/odd/${i}`);
    await served.request(`/v1/targets?id=runtime${i}:x`);
    await served.request("/v1/exec", { method: "POST", body: { command: [`no-such-${i}`], target: i % 2 ? "host" : `odd${i}` } });
  };
  await Promise.all([odd(0), odd(1)]);
  const before = await series();
  for (let i = 2; i < 335; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => odd(i + k)));
  assert.equal(await series(), before);
});

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { summary?: string; security?: object[]; responses?: object }>>;
  readonly components: { securitySchemes: Record<string, object> };
  readonly security: readonly object[];
}

test("the description of the interface has every route, what it is for and who may come", async () => {
  const { openapi, paths, components, security } = (await served.request("/openapi.json")).json as OpenApi;
  assert.match(openapi, /^3\.1\./);
  const documented = `/healthz /metrics /openapi.json /readyz /v1/exec /v1/info /v1/probes /v1/probes/{name} /v1/recordings /v1/sessions
    /v1/sessions/{id} /v1/sessions/{id}/attach /v1/sessions/{id}/output /v1/sessions/{id}/recording /v1/sessions/{id}/resize
    /v1/sessions/{id}/result /v1/sessions/{id}/shares /v1/sessions/{id}/shares/{share} /v1/sessions/{id}/signal /v1/sessions/{id}/stdin
    /v1/targets /v1/tickets`;
  assert.deepEqual(Object.keys(paths).sort(), documented.split(/\s+/));
  assert.ok("bearer" in components.securitySchemes);
  assert.deepEqual(security, [{ bearer: [] }]);
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      assert.ok((operation.summary ?? "").length > 5, `${method} ${path} has no summary`);
      assert.equal(operation.security?.length === 0, ["/healthz", "/readyz"].includes(path), path);
    }
  }
});

test("while it drains it is not ready, and sockets are closed with 1001", async () => {
  await using draining = await openGateway();
  using client = await dial(`${draining.url}/v1/exec?command=cat`);
  await client.control("attached");
  const hurry = new AbortController();
  const stopped = draining.shutdown(hurry.signal);
  await until("draining", async () => (await draining.request("/readyz")).status === 503);
  assert.equal((await draining.request("/v1/sessions", { method: "POST", body: { command: ["true"] } })).status, 503);
  hurry.abort();
  assert.equal((await client.closed).code, 1001);
  await stopped;
  await assert.rejects(draining.request("/healthz"));
});
