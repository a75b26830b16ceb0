import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem, type HttpAnswer } from "../fixtures/http-answer.ts";
import { openTeam } from "../fixtures/team.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

interface Check {
  readonly target: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly checkedAt: string;
  readonly reason?: string;
  readonly failures?: number;
  readonly output?: string;
  readonly outputEncoding?: string;
}

const sh = (script: string): string[] => ["sh", "-c", script];
const sleep = uniqueSleep();
const probes = {
  well: { target: "host", command: sh("echo fine; echo quite >&2") },
  ill: { target: "host", command: sh("echo secret-word; exit 4"), public: true },
  open: { target: "host", command: sh("echo secret-word"), public: true },
  slow: { target: "host", command: sh(`sleep ${sleep} & sleep ${sleep}`), timeoutMs: 100 },
  says: { target: "host", command: ["echo", "role: primary"], expect: { stdoutMatches: "^role: (primary|replica)$" } },
  saysNot: { target: "host", command: ["echo", "role: none"], expect: { stdoutMatches: "^role: (primary|replica)$" } },
  three: { target: "host", command: sh("exit 3"), expect: { exitCode: 3 } },
  bytes: { target: "host", command: sh("printf '\\377\\000'") },
  cut: { target: "host", command: sh("head -c 1023 /dev/zero | tr '\\0' x; printf ä") },
  missing: { targets: ["docker:db-*", "host"], command: ["true"] },
};

let served: TestGateway;
before(async () => {
  served = await openGateway({ probes, publicUrls: ["https://exec.example.com"] });
});
after(() => served[Symbol.asyncDispose]());

const anonymous = { headers: { authorization: undefined } };

function checksOf(answer: HttpAnswer): { status: string; checks: Check[] } {
  assert.match(answer.headers["content-type"] ?? "", /^application\/health\+json/);
  return JSON.parse(answer.text);
}

async function ask(name: string): Promise<{ code: number; status: string; check: Check }> {
  const answer = await served.request(`/v1/probes/${name}`);
  const { status, checks } = checksOf(answer);
  assert.equal(checks.length, 1);
  return { code: answer.status, status, check: checks[0] as Check };
}

test("a probe that passes answers 200 with what it found", async () => {
  const { code, status, check } = await ask("well");
  const { durationMs, checkedAt, ...rest } = check;
  assert.deepEqual([code, status], [200, "pass"]);
  assert.deepEqual(rest, { target: "host", status: "pass", exitCode: 0, output: "fine\nquite\n" });
  assert.ok(durationMs > 0 && Math.abs(Date.parse(checkedAt) - Date.now()) < 10_000);
});

test("a probe that fails answers 503 with the reasons", async () => {
  const { code, status, check } = await ask("ill");
  assert.deepEqual([code, status, check.status, check.exitCode], [503, "fail", "fail", 4]);
  assert.deepEqual([check.reason, (check.failures ?? 0) >= 1], ["exited with 4, not 0", true]);
});

test("a probe that takes too long fails, and everything that it started is gone", async () => {
  const { code, check } = await ask("slow");
  assert.deepEqual([code, check.reason, check.exitCode], [503, "took longer than 100 ms", null]);
  assert.deepEqual(processesWith(sleep), []);
});

test("what is expected of exit code and output decides", async () => {
  assert.deepEqual(
    await Promise.all(["says", "saysNot", "three"].map(async (name) => (await ask(name)).code)),
    [503, 503, 200],
    "the line ends before the end of the text",
  );
  assert.equal((await ask("saysNot")).check.reason, "stdout is not as expected");
});

test("output that is no text is base64, and a character that its end cuts is left out", async () => {
  const bytes = (await ask("bytes")).check;
  assert.deepEqual([bytes.output, bytes.outputEncoding], ["/wA=", "base64"]);
  const { output, outputEncoding } = (await ask("cut")).check;
  assert.deepEqual([output, outputEncoding], ["x".repeat(1023), undefined]);
});

test("HEAD answers the same without a body", async () => {
  const head = await served.request("/v1/probes/ill", { method: "HEAD", ...anonymous });
  assert.deepEqual([head.status, head.text], [503, ""]);
  assert.match(head.headers["content-type"] ?? "", /^application\/health\+json/);
  assert.equal((await served.request("/v1/probes/open", { method: "HEAD", ...anonymous })).status, 200);
});

test("a public probe needs no credential and no name of ours, and shows no output", async () => {
  for (const headers of [anonymous.headers, { ...anonymous.headers, host: "rebound.example" }, {}, { authorization: "Bearer wrong" }]) {
    const answer = await served.request("/v1/probes/open", { headers });
    assert.equal(answer.status, 200, JSON.stringify(headers));
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.ok(!answer.text.includes("secret-word"));
    assert.deepEqual(Object.keys(checksOf(answer).checks[0] ?? {}), ["target", "status", "exitCode", "durationMs", "checkedAt"]);
  }
  assert.ok(!(await served.request("/v1/probes/ill", anonymous)).text.includes("secret-word"));
});

test("a page of another origin may not ask even a public probe", async () => {
  const headers = { ...anonymous.headers, origin: "https://evil.example" };
  assertProblem(await served.request("/v1/probes/open", { headers }), 403, "FORBIDDEN");
});

test("every other probe, and one that is not there, asks who it is", async () => {
  for (const path of ["/v1/probes", "/v1/probes/well", "/v1/probes/nothing"]) {
    assertProblem(await served.request(path, anonymous), 401, "UNAUTHENTICATED");
    assertProblem(await served.request(path, { headers: { host: "rebound.example" } }), 421, "UNKNOWN_HOST");
  }
  assertProblem(await served.request("/v1/probes/nothing"), 404, "PROBE_NOT_FOUND");
  assertProblem(await served.request("/v1/probes/__proto__"), 404, "PROBE_NOT_FOUND");
});

test("a caller chooses among the targets, and adds nothing", async () => {
  const all = checksOf(await served.request("/v1/probes/missing"));
  assert.deepEqual(
    all.checks.map(({ target, status, reason }) => [target, status, reason]),
    [
      ["host", "pass", undefined],
      ["docker:db-*", "fail", "no target matches"],
    ],
  );
  assert.equal((await served.request("/v1/probes/missing")).status, 503);
  const one = await served.request("/v1/probes/missing?target=host");
  assert.deepEqual([one.status, checksOf(one).checks.length], [200, 1]);
  assertProblem(await served.request("/v1/probes/missing?target=docker:web"), 404, "TARGET_NOT_FOUND");
  assertProblem(await served.request("/v1/probes/well?command=id"), 400, "BAD_REQUEST", "command");
  for (const method of ["POST", "PUT", "DELETE"]) {
    assertProblem(await served.request("/v1/probes/well", { method }), 405, "METHOD_NOT_ALLOWED");
  }
});

test("the list tells of each probe what is known, and runs nothing", async () => {
  await using quiet = await openGateway({ probes: { a: { target: "host", command: ["true"] }, b: { ...probes.ill, cacheMs: 60_000 } } });
  const list = async () => (await quiet.request("/v1/probes")).json as { probes: Record<string, unknown>[] };
  const unknown = { status: null, checkedAt: null, targets: ["host"], intervalMs: 0 };
  assert.deepEqual((await list()).probes, [
    { name: "a", public: false, ...unknown },
    { name: "b", public: true, ...unknown },
  ]);
  assert.equal(await quiet.metric("execgate_execs_total"), 0);
  await quiet.request("/v1/probes/b");
  const [, b] = (await list()).probes;
  assert.equal(b?.status, "fail");
  assert.equal(await quiet.metric("execgate_execs_total"), 1);
});

test("gauges tell whether a probe passes and how long it took", async () => {
  await Promise.all(["well", "ill", "slow"].map((name) => served.request(`/v1/probes/${name}`)));
  const gauge = (name: string, probe: string) => served.metric(`execgate_probe_${name}`, `probe="${probe}"`);
  assert.deepEqual(await Promise.all(["well", "ill", "slow"].map((name) => gauge("success", name))), [1, 0, 0]);
  assert.ok((await gauge("duration_seconds", "slow")) >= 0.1);
  const { text } = await served.request("/metrics");
  assert.ok(!text.includes('probe="nothing"'));
});

test("a thousand who ask at once start one command, and leave nothing behind", async () => {
  const slow = uniqueSleep();
  await using storm = await openGateway({
    probes: { p: { target: "host", command: sh(`sleep 0.3; : ${slow}`), cacheMs: 60_000, public: true } },
  });
  const answers = await Promise.all(Array.from({ length: 1000 }, () => storm.request("/v1/probes/p", anonymous)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(await storm.metric("execgate_execs_total"), 1);
  assert.equal(await storm.metric("execgate_sessions_active"), 0);
  assert.deepEqual(((await storm.request("/v1/sessions")).json as { sessions: [] }).sessions, []);
  assert.deepEqual(processesWith(slow), []);
});

test("policy says who may look at a probe, as at the sessions of others, and nothing about what it runs", async () => {
  const role = (targets: string[], ...verbs: string[]) => ({ allow: [{ verbs, targets, commands: "any" }] });
  const roles = { looker: role(["host"], "view"), runner: role(["host"], "exec"), other: role(["docker:*"], "view") };
  const bindings = ["looker", "runner", "other"].map((name) => ({ subjects: [`user:${name}`], roles: [name] }));
  const some = { well: probes.well, open: probes.open, missing: probes.missing };
  const team = await openTeam({ looker: [], runner: [], other: [] }, { probes: some, policy: { roles, bindings } });
  await using _ = team;
  const names = async (who: string) =>
    ((await team.as(who)("/v1/probes")).json as { probes: { name: string; targets: string[] }[] }).probes.map(
      ({ name, targets }) => `${name} ${targets}`,
    );
  assert.deepEqual(await names("looker"), ["well host", "open host", "missing host"]);
  assert.deepEqual(await names("runner"), ["open host"]);
  assert.deepEqual(await names("other"), ["open host", "missing docker:db-*"]);
  assert.equal((await team.as("looker")("/v1/probes/well")).status, 200);
  assertProblem(await team.as("runner")("/v1/probes/well"), 404, "PROBE_NOT_FOUND");
  assert.equal((await team.as("looker")("/v1/probes/missing")).status, 200, "what one may not see is not there");
  assert.equal((await team.as("other")("/v1/probes/missing")).status, 503);
  assert.equal((await team.as("runner")("/v1/probes/open")).status, 200);
});

test("what a probe runs stands in the audit trail, by its own name", async () => {
  const file = join(served.stateDir, "trail.jsonl");
  await using trailed = await openGateway({ audit: { file }, probes: { well: probes.well } });
  assert.equal((await trailed.request("/v1/probes/well")).status, 200);
  const events = () =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line.includes('"event":"exec.'))
      .map((line) => JSON.parse(line));
  await until("the end in the trail", () => events().length === 2);
  const [start, end] = events();
  assert.deepEqual(
    [start.event, start.principal, start.credential, start.source, start.rule, start.argv],
    ["exec.start", "probe:well", "configuration", "gateway", "probes.well", probes.well.command],
  );
  assert.deepEqual([end.event, end.principal, end.outcome, end.stdoutBytes, end.stderrBytes], ["exec.end", "probe:well", "exited", 5, 6]);
});

test("a reload takes other probes, and ends what is not declared any more", async () => {
  const marker = uniqueSleep();
  await using reloaded = await openGateway({
    probes: {
      old: { target: "host", command: ["sleep", marker], timeoutMs: 60_000, public: true },
      kept: { ...probes.well, cacheMs: 60_000 },
    },
  });
  await reloaded.request("/v1/probes/kept");
  const waiting = reloaded.request("/v1/probes/old", anonymous);
  await until("the command", () => processesWith(marker).length === 1);
  const file = join(reloaded.stateDir, "next.yaml");
  const next = { probes: { new: probes.well, kept: { ...probes.well, cacheMs: 60_000 } } };
  writeFileSync(file, JSON.stringify(next));
  reloaded.gateway.reload({ ...loadConfig({ argv: ["--config", file, "--listen", "127.0.0.1:0"], env: {} }), token: undefined });
  const answer = await waiting;
  assert.equal(answer.status, 503);
  // The command is seen a moment before its start is told.
  assert.match(checksOf(answer).checks[0]?.reason ?? "", /^the command was killed$|^SESSION_ENDED/);
  await until("end of the command", () => processesWith(marker).length === 0);
  assertProblem(await reloaded.request("/v1/probes/old"), 404, "PROBE_NOT_FOUND");
  assertProblem(await reloaded.request("/v1/probes/old", anonymous), 401, "UNAUTHENTICATED");
  assert.equal((await reloaded.request("/v1/probes/new")).status, 200);
  const list = (await reloaded.request("/v1/probes")).json as { probes: { name: string; status: string }[] };
  assert.deepEqual(
    list.probes.map(({ name, status }) => `${name} ${status}`),
    ["new pass", "kept pass"],
  );
  assert.ok(!(await reloaded.request("/metrics")).text.includes('probe="old"'));
});

test("an interval runs a probe unasked, and a shutdown ends that", async () => {
  await using timed = await openGateway({ probes: { beat: { target: "host", command: ["true"], intervalMs: 20 } } });
  await until("a third run", async () => (await timed.metric("execgate_execs_total")) >= 3);
  assert.equal(await timed.metric("execgate_probe_success"), 1);
  await timed.shutdown();
});
