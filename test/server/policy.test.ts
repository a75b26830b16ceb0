import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { routesOf } from "../fixtures/routes.ts";
import { openTeam, type Team, tokenOf } from "../fixtures/team.ts";
import { until } from "../fixtures/until.ts";

const members = { olga: ["ops"], paul: ["probers"], vera: ["viewers"], kim: ["killers"], nina: [], rita: ["reasoners"] };
const policy = {
  roles: {
    operator: {
      allow: [{ verbs: ["exec", "attach", "view", "kill"], targets: ["host"], commands: "any" }],
      deny: [{ env: ["LD_PRELOAD"] }],
    },
    prober: { allow: [{ verbs: ["exec"], targets: ["h*"], modes: ["sync"], commands: [["echo", "probe"]], timeoutMsMax: 5000 }] },
    viewer: { allow: [{ verbs: ["view"], targets: ["host"] }] },
    killer: { allow: [{ verbs: ["kill"], targets: ["host"] }] },
    reasoner: { allow: [{ verbs: ["exec", "attach", "kill"], targets: ["host"], commands: "any", reasonRequired: true }] },
  },
  bindings: [
    { subjects: ["group:ops"], roles: ["operator"] },
    { subjects: ["group:probers"], roles: ["prober"] },
    { subjects: ["group:viewers"], roles: ["viewer"] },
    { subjects: ["group:killers"], roles: ["killer"] },
    { subjects: ["group:reasoners"], roles: ["reasoner"] },
  ],
};

let team: Team;
before(async () => {
  team = await openTeam(members, { policy });
});
after(() => team[Symbol.asyncDispose]());

const post = (name: string, body: object, headers = {}) => team.as(name)("/v1/exec", { method: "POST", body, headers });

/** A session of olga's that runs until it is ended. */
async function running(): Promise<string> {
  const created = await team.as("olga")("/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true } });
  assert.equal(created.status, 201, created.text);
  return String(created.headers.location);
}

/** What every route is sent that takes a body. */
const bodies: Readonly<Record<string, object>> = {
  "/v1/exec": { command: ["true"] },
  "/v1/sessions": { command: ["true"] },
  "/v1/tickets": { exec: { command: ["true"] } },
  signal: { signal: "SIGINT" },
  resize: { cols: 1, rows: 1 },
  stdin: { data: "x" },
};

/** Routes that tell or do nothing of targets and sessions, or only what their caller may see. */
const harmless = [
  "/v1/info",
  "/metrics",
  "/openapi.json",
  "/v1/targets",
  "/v1/sessions",
  "/v1/recordings",
  "/v1/probes",
  "/healthz",
  "/readyz",
];

test("no route lets somebody near anything to whom nothing is bound", async () => {
  const location = await running();
  const id = String(location.split("/").at(-1));
  for (const { method, path } of routesOf(team.served.gateway.app)) {
    if (!path.startsWith("/v1") && !harmless.includes(path)) continue;
    const url = path.replace("01JD0000000000000000000000", id);
    const body = method === "POST" ? (bodies[path] ?? bodies[path.split("/").at(-1) ?? ""] ?? {}) : undefined;
    const { status, text } = await team.as("nina")(url, { method, ...(body !== undefined && { body }) });
    const isKnown = harmless.includes(path) && ["GET", "HEAD"].includes(method);
    if (isKnown) assert.ok(status === 200 && !text.includes(id), `${method} ${path} ${text}`);
    else assert.ok([404, 405, 426].includes(status), `${method} ${path} ${status} ${text}`);
  }
  assert.equal(((await team.as("olga")(location)).json as { state: string }).state, "running");
  await team.as("olga")(location, { method: "DELETE" });
});

describe("exec", () => {
  test("what a rule allows runs", async () => {
    assert.equal((await post("olga", { command: ["true"] })).status, 200);
    assert.equal((await post("paul", { command: ["echo", "probe"], timeoutMs: 5000 })).status, 200);
    assert.equal((await post("rita", { command: ["true"], reason: "ticket 42" })).status, 200);
    assert.equal((await post("rita", { command: ["true"] }, { "execgate-reason": "ticket 42" })).status, 200);
  });

  test("what it does not allow is 403 with the field", async () => {
    for (const [name, body, field] of [
      ["paul", { command: ["echo", "other"], timeoutMs: 1 }, "command"],
      ["paul", { command: ["echo", "probe"] }, "timeoutMs"],
      ["paul", { command: ["echo", "probe"], timeoutMs: 0 }, "timeoutMs"],
      ["paul", { command: ["echo", "probe"], timeoutMs: 1, env: { A: "1" } }, "env.A"],
      ["paul", { command: ["echo", "probe"], timeoutMs: 1, user: "root" }, "user"],
      ["olga", { command: ["true"], env: { LD_PRELOAD: "/x" } }, undefined],
      ["vera", { command: ["true"] }, undefined],
      ["rita", { command: ["true"] }, "reason"],
    ] as const) {
      assertProblem(await post(name, body), 403, "FORBIDDEN", field);
    }
  });

  test("a reason that is given twice, and differs, or is no text, is 400", async () => {
    assertProblem(await post("rita", { command: ["true"], reason: "a" }, { "execgate-reason": "b" }), 400, "BAD_REQUEST", "reason");
    assertProblem(await post("rita", { command: ["true"], reason: "a\nb" }), 400, "BAD_REQUEST", "reason");
    assertProblem(await post("rita", { command: ["true"] }, { "execgate-reason": "a\tb" }), 400, "BAD_REQUEST", "Execgate-Reason");
    assertProblem(await post("rita", { command: ["true"] }, { "execgate-reason": "a".repeat(513) }), 400, "BAD_REQUEST", "Execgate-Reason");
  });

  test("the user must be allowed by policy and by the runtime", async () => {
    await using strict = await openTeam(members, {
      runtimes: { host: { usersAllowed: ["daemon"] } },
      policy: {
        roles: { runs: { allow: [{ verbs: ["exec"], targets: ["host"], commands: "any", users: ["daemon", "sys"] }] } },
        bindings: [{ subjects: ["user:olga"], roles: ["runs"] }],
      },
    });
    const asUser = (user: string) => strict.as("olga")("/v1/exec", { method: "POST", body: { command: ["id", "-un"], user } });
    if (process.getuid?.() === 0) assert.equal(((await asUser("daemon")).json as ExecAnswer).stdout.data, "daemon\n");
    assertProblem(await asUser("bin"), 403, "FORBIDDEN", "user");
    if (process.getuid?.() === 0) assertProblem(await asUser("sys"), 403, "FORBIDDEN", "user");
  });
});

describe("targets", () => {
  test("what one is not near is not there, in so many words", async () => {
    const [hidden, missing] = [
      await post("nina", { command: ["true"], target: "host" }),
      await post("nina", { command: ["true"], target: "hos" }),
    ];
    assertProblem(hidden, 404, "TARGET_NOT_FOUND");
    assert.equal(hidden.text.replaceAll("host", "hos"), missing.text);
    const names = (headers: object) => Object.keys(headers).sort();
    assert.deepEqual(names(hidden.headers), names(missing.headers));
    const asked = await team.as("nina")("/v1/targets?id=host");
    assert.equal(asked.text, hidden.text);
    assert.equal((await refusalOf(`${team.url}/v1/exec?command=true`, { token: tokenOf("nina") })).text, hidden.text);
  });

  test("are listed to those who are near them", async () => {
    const ids = async (name: string) =>
      ((await team.as(name)("/v1/targets")).json as { targets: { id: string }[] }).targets.map(({ id }) => id);
    assert.deepEqual(await ids("nina"), []);
    for (const name of ["olga", "paul", "vera", "kim"]) assert.deepEqual(await ids(name), ["host"], name);
  });
});

describe("sessions of others", () => {
  test("are seen by those who may view them, and not there for who may do nothing", async () => {
    const location = await running();
    const id = location.split("/").at(-1);
    const listed = async (name: string) =>
      ((await team.as(name)("/v1/sessions")).json as { sessions: { id: string }[] }).sessions.some((session) => session.id === id);
    assert.deepEqual(await Promise.all(["olga", "vera", "kim", "paul", "nina"].map(listed)), [true, true, false, false, false]);
    assert.equal((await team.as("vera")(location)).status, 200);
    assert.equal((await team.as("vera")(`${location}/output`)).status, 200);
    assert.equal((await team.as("vera")(`${location}/result`)).status, 202);
    const missing = await team.as("nina")("/v1/sessions/01JD0000000000000000000000");
    for (const name of ["nina", "paul"]) {
      assert.equal((await team.as(name)(location)).text, missing.text);
      assertProblem(await team.as(name)(location, { method: "DELETE" }), 404, "SESSION_NOT_FOUND");
    }
    await team.as("olga")(location, { method: "DELETE" });
  });

  test("take what the verb allows: 403 for what else one may do to them", async () => {
    const location = await running();
    const stdin = { method: "POST", body: { data: "x" } };
    assertProblem(await team.as("vera")(`${location}/stdin`, stdin), 403, "FORBIDDEN");
    assertProblem(await team.as("vera")(location, { method: "DELETE" }), 403, "FORBIDDEN");
    assertProblem(await team.as("kim")(location), 403, "FORBIDDEN");
    assertProblem(await team.as("kim")(`${location}/stdin`, stdin), 403, "FORBIDDEN");
    assertProblem(await refusalOf(`${team.url}${location}/attach`, { token: tokenOf("vera") }), 403, "FORBIDDEN");
    using viewer = await dial(`${team.url}${location}/attach?role=viewer`, { token: tokenOf("vera") });
    assert.equal((await viewer.control("attached")).role, "viewer");
    const ended = await team.as("kim")(location, { method: "DELETE" });
    assert.deepEqual([ended.status, (ended.json as ExecAnswer).endedBy], [200, "operator"]);
  });

  test("are not ended by somebody who only watched and leaves", async () => {
    const location = await running();
    const stateNow = async () => (await team.as("olga")(location)).json as { state: string; clients: unknown[] };
    const viewer = await dial(`${team.url}${location}/attach?role=viewer`, { token: tokenOf("vera") });
    await viewer.control("attached");
    viewer.ws.terminate();
    await until("viewer gone", async () => (await stateNow()).clients.length === 0);
    assert.equal((await stateNow()).state, "running");
    await team.as("olga")(location, { method: "DELETE" });
  });

  test("want the reason that the rule wants, by header or query", async () => {
    const location = await running();
    assertProblem(await refusalOf(`${team.url}${location}/attach`, { token: tokenOf("rita") }), 403, "FORBIDDEN", "reason");
    using joined = await dial(`${team.url}${location}/attach?reason=ticket+42`, { token: tokenOf("rita") });
    joined.stdin("typed\n");
    await joined.untilStdout("typed");
    assertProblem(await team.as("rita")(location, { method: "DELETE" }), 403, "FORBIDDEN", "reason");
    assert.equal((await team.as("rita")(location, { method: "DELETE", headers: { "execgate-reason": "done" } })).status, 200);
  });
});

describe("the limits of a rule", () => {
  test("hold a principal to its sessions and its starts a minute", async () => {
    const allow = { verbs: ["exec"], targets: ["host"], commands: "any", sessionsPerPrincipalMax: 1, execsPerMinutePerPrincipal: 3 };
    await using strict = await openTeam(members, {
      policy: { roles: { few: { allow: [allow] } }, bindings: [{ subjects: ["user:olga", "user:paul"], roles: ["few"] }] },
    });
    const create = (name: string) => strict.as(name)("/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true } });
    const first = await create("olga");
    const second = await create("olga");
    assertProblem(second, 429, "TOO_MANY_SESSIONS");
    assert.equal(second.headers["retry-after"], "1");
    await strict.as("olga")(String(first.headers.location), { method: "DELETE" });
    const run = (name: string) => strict.as(name)("/v1/exec", { method: "POST", body: { command: ["true"] } });
    assert.deepEqual([(await run("olga")).status, (await run("olga")).status], [200, 200]);
    const late = await run("olga");
    assertProblem(late, 429, "TOO_MANY_REQUESTS");
    assert.match(String(late.headers["retry-after"]), /^(1?\d|20)$/);
    assert.equal((await run("paul")).status, 200);
  });
});

test("a refusal is logged with the rule that came nearest, and nothing was started", async () => {
  const started = await team.served.metric("execgate_exec_start_seconds_count");
  await post("paul", { command: ["echo", "secret"], timeoutMs: 1 });
  await until("line of log", () =>
    team.served.logLines.some(({ msg, principal }) => msg === "refused by policy" && principal === "user:paul"),
  );
  const line = team.served.logLines.findLast(({ msg, principal }) => msg === "refused by policy" && principal === "user:paul");
  assert.deepEqual([line?.verb, line?.target, line?.rule], ["exec", "host", "prober.allow.0"]);
  assert.equal(await team.served.metric("execgate_exec_start_seconds_count"), started);
});
