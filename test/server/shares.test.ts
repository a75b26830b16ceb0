import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { dial, type ExecClient, refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { authOf, openTeam } from "../fixtures/team.ts";
import { until } from "../fixtures/until.ts";

let served: TestGateway;
/** Failed credentials are counted by their source: each client comes from somewhere else, by the word of a proxy. */
const behindProxy = { trusted: ["127.0.0.1/32"] };
let sources = 0;
const source = () => ({ "x-forwarded-for": `10.0.0.${++sources}` });
before(async () => {
  const limits = { sharesMax: 3, shareMsMax: 60_000 };
  served = await openGateway({ limits, behindProxy, publicUrls: ["http://exec.example.com/shell"] });
});
after(() => served[Symbol.asyncDispose]());

interface Shared {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: string;
}

async function start(script = "echo hello; cat"): Promise<string> {
  const body = { command: ["sh", "-c", script], stdin: true };
  return String((await served.request("/v1/sessions", { method: "POST", body })).headers.location);
}

async function share(location: string, body: object = {}): Promise<Shared> {
  const answer = await served.request(`${location}/shares`, { method: "POST", body });
  assert.equal(answer.status, 201, answer.text);
  return answer.json as Shared;
}

/** What somebody dials with who knows the link and nothing else. */
function linkOf({ url }: Shared, role = "viewer", base = served.url) {
  const [session = "", secret = ""] = (new URL(url).hash.split("=")[1] ?? "").split(".");
  return [
    `${base}/v1/sessions/${session}/attach?role=${role}`,
    { protocols: ["v1.execgate", `share.execgate.${secret}`], token: "", headers: source() },
  ] as const;
}

/** Starts a session, shares it and watches it by the share. */
async function watched(body: object = {}): Promise<{ readonly location: string; readonly shared: Shared; readonly viewer: ExecClient }> {
  const location = await start();
  const shared = await share(location, body);
  const viewer = await dial(...linkOf(shared));
  await viewer.untilStdout("hello");
  return { location, shared, viewer };
}

const end = (location: string) => served.request(location, { method: "DELETE" });

describe("a share", () => {
  test("shows a session to somebody without a credential, and its secret stands in the fragment", async () => {
    const { location, shared, viewer } = await watched();
    const { pathname, search, hash } = new URL(shared.url);
    assert.deepEqual([pathname, search], ["/", ""]);
    assert.match(hash, /^#share=[0-9A-Z]{26}\.[A-Za-z0-9_-]{43}$/);
    assert.ok(Math.abs(Date.parse(shared.expiresAt) - Date.now() - 60_000) < 5000, "at the most as long as the limit says");
    assert.equal(viewer.ws.protocol, "v1.execgate");
    assert.equal((await viewer.control("attached")).role, "viewer");
    const { clients } = (await served.request(location)).json as { clients: { principal: string; role: string }[] };
    assert.deepEqual(
      clients.map(({ principal, role }) => [principal, role]),
      [[`share:${shared.id}`, "viewer"]],
    );
    await end(location);
    assert.equal((await viewer.closed).code, 1000);
  });

  test("names the public URL for whoever asked there", async () => {
    const location = await start();
    const headers = { host: "exec.example.com" };
    const answer = await served.request(`${location}/shares`, { method: "POST", body: {}, headers });
    assert.match((answer.json as Shared).url, /^http:\/\/exec\.example\.com\/shell\/#share=/);
    await end(location);
  });

  test("lets nothing be done but watch", async () => {
    const { location, shared, viewer } = await watched();
    assertProblem(await refusalOf(...linkOf(shared, "writer")), 403, "FORBIDDEN");
    const [url, options] = linkOf(shared);
    assertProblem(await refusalOf(url.replace("role=viewer", ""), options), 403, "FORBIDDEN");
    // Not even with the credential that a proxy adds to everything.
    assertProblem(await refusalOf(url.replace("role=viewer", ""), { ...options, token: testToken }), 403, "FORBIDDEN");
    const other = await start();
    assertProblem(await refusalOf(`${served.url}${other}/attach?role=viewer`, options), 401, "UNAUTHENTICATED");
    assertProblem(await refusalOf(`${served.url}/v1/exec?command=true`, options), 401, "UNAUTHENTICATED");
    const protocols = options.protocols.join(", ");
    for (const [method, path] of [
      ["GET", location],
      ["GET", `${location}/output`],
      ["GET", "/v1/sessions"],
      ["GET", "/v1/info"],
      ["POST", `${location}/stdin`],
      ["POST", `${location}/shares`],
      ["DELETE", location],
    ] as const) {
      const headers = { ...source(), "sec-websocket-protocol": protocols, authorization: undefined };
      const answer = await served.request(path, { method, headers, ...(method === "POST" && { body: {} }) });
      assert.equal(answer.status, 401, `${method} ${path}`);
    }
    viewer.stdin("rm -r /\n");
    assert.equal((await viewer.closed).code, 4403);
    for (const session of [location, other]) await end(session);
  });

  test("ends for all who watch by it when it is revoked, and cannot be used after", async () => {
    const { location, shared, viewer } = await watched();
    using owner = await dial(`${served.url}${location}/attach?role=viewer`);
    await owner.control("attached");
    const remove = (id: string) => served.request(`${location}/shares/${id}`, { method: "DELETE" });
    assert.equal((await remove(shared.id)).status, 204);
    assert.equal((await viewer.control("error")).code, "UNAUTHENTICATED");
    assert.equal((await viewer.closed).code, 4401);
    assertProblem(await refusalOf(...linkOf(shared)), 401, "UNAUTHENTICATED");
    assertProblem(await remove(shared.id), 404, "NOT_FOUND");
    assert.equal(owner.ws.readyState, owner.ws.OPEN);
    await end(location);
  });

  test("ends when its time is over", async () => {
    const { location, shared, viewer } = await watched({ expiresMs: 2500 });
    assert.equal((await viewer.closed).code, 4401);
    assertProblem(await refusalOf(...linkOf(shared)), 401, "UNAUTHENTICATED");
    await end(location);
  });

  test("is gone with its session", async () => {
    const { location, shared, viewer } = await watched();
    await end(location);
    assert.equal((await viewer.control("exit")).endedBy, "client");
    assertProblem(await refusalOf(...linkOf(shared)), 401, "UNAUTHENTICATED");
    assertProblem(await served.request(`${location}/shares`, { method: "POST", body: {} }), 409, "SESSION_ENDED");
  });

  test("is one of a bounded number, and lives a bounded time", async () => {
    const location = await start();
    for (let n = 0; n < 3; n++) await share(location);
    assertProblem(await served.request(`${location}/shares`, { method: "POST", body: {} }), 503, "OVERLOADED");
    for (const expiresMs of [60_001, 999, "1"]) {
      const answer = await served.request(`${location}/shares`, { method: "POST", body: { expiresMs } });
      assertProblem(answer, 400, "BAD_REQUEST", "expiresMs");
    }
    await end(location);
  });
});

describe("who may share", () => {
  const members = { ann: ["all"], bob: ["watchers"], eve: [] };
  const bindings = [
    { subjects: ["group:all"], roles: ["all"] },
    { subjects: ["group:watchers"], roles: ["watcher"] },
  ];
  const verbs = { all: ["exec", "attach", "view", "kill"], watcher: ["view"] };
  const allow = (name: keyof typeof verbs) => ({ allow: [{ verbs: verbs[name], targets: ["host"], commands: "any" }] });
  const policy = { roles: { all: allow("all"), watcher: allow("watcher") }, bindings };

  test("is whoever may write to the session, and a share is worth what they may do", async () => {
    await using team = await openTeam(members, { policy });
    const body = { command: ["sh", "-c", "echo hello; cat"], stdin: true };
    const location = String((await team.as("ann")("/v1/sessions", { method: "POST", body })).headers.location);
    const post = (name: string) => team.as(name)(`${location}/shares`, { method: "POST", body: {} });
    assertProblem(await post("bob"), 403, "FORBIDDEN");
    assertProblem(await post("eve"), 404, "SESSION_NOT_FOUND");
    const shared = (await post("ann")).json as Shared;
    using viewer = await dial(...linkOf(shared, "viewer", team.url));
    await viewer.untilStdout("hello");
    // The credential of who shared it is taken back: so is what was given out by it.
    const file = join(team.served.stateDir, "config.yaml");
    await writeFile(file, JSON.stringify({ auth: authOf({ bob: ["all"] }) }));
    const { auth, probes } = loadConfig({ argv: ["--config", file], env: { EXECGATE_STATE_DIR: team.served.stateDir } });
    team.served.gateway.reload({ auth, probes, policy: undefined, token: undefined });
    assert.equal((await viewer.closed).code, 4401);
    assertProblem(await refusalOf(...linkOf(shared, "viewer", team.url)), 401, "UNAUTHENTICATED");
  });
});

test("guesses are slowed like those of other credentials", async () => {
  const location = await start();
  const options = { protocols: ["v1.execgate", `share.execgate.${"A".repeat(43)}`], token: "" };
  const codes = new Set<string>();
  await until("refusal", async () => {
    const answer = await refusalOf(`${served.url}${location}/attach?role=viewer`, options);
    codes.add((answer.json as { code: string }).code);
    return codes.has("TOO_MANY_REQUESTS");
  });
  assert.deepEqual([...codes], ["UNAUTHENTICATED", "TOO_MANY_REQUESTS"]);
  const shared = await share(location);
  using viewer = await dial(...linkOf(shared));
  await viewer.untilStdout("hello");
  await end(location);
});
