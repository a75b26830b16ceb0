import assert from "node:assert/strict";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { digestOf } from "../src/access/static-tokens.ts";
import { dial } from "./fixtures/exec-client.ts";
import { createRequester, type ExecAnswer } from "./fixtures/gateway.ts";
import { GatewayProcess, type ProcessOptions } from "./fixtures/gateway-process.ts";
import { processesWith, uniqueSleep, until } from "./fixtures/until.ts";

/** Starts that are refused with 78, and the whole of what they say. */
const refused: readonly (readonly [string, ProcessOptions, RegExp])[] = [
  ["an unknown key", { settings: { limits: { drain: 1 } } }, /^execgate: limits\.drain: unknown key$/],
  ["a wrong type", { settings: { limits: { drainMs: "1" } } }, /^execgate: limits\.drainMs: expected a whole number, got "1"$/],
  ["an open address", { listen: ["0.0.0.0:0"] }, /^execgate: listen: 0\.0\.0\.0:0 is not a loopback address[^\n]*$/],
  ["a bad flag", { args: ["--open"] }, /^execgate: [^\n]*--open[^\n]*$/],
  [
    "an open address without TLS",
    { listen: ["0.0.0.0:0"], settings: { auth: {} } },
    /^execgate: listen: 0\.0\.0\.0:0 [^\n]*needs TLS[^\n]*$/,
  ],
  ["an open address without auth", { listen: ["https://0.0.0.0:0"] }, /^execgate: listen: [^\n]* needs an auth section[^\n]*$/],
  [
    "a token file that others can read",
    { isTokenGiven: false, prepare: (dir) => writeFile(join(dir, "token"), "0123456789abcdef\n", { mode: 0o644 }) },
    /^execgate: [^\n]*token has mode 0644[^\n]*chmod 600[^\n]*$/,
  ],
  ["a bad token", { env: { EXECGATE_TOKEN: "x" } }, /^execgate: EXECGATE_TOKEN: [^\n]*$/],
  ["a state directory that cannot be", { env: { EXECGATE_STATE_DIR: "/dev/null/x" }, isTokenGiven: false }, /^execgate: [^\n]+$/],
];

for (const [what, options, message] of refused) {
  test(`${what} ends the start with 78 and one line`, async () => {
    await using gateway = await GatewayProcess.spawn(options);
    assert.deepEqual(await gateway.exited, { status: 78, signal: null });
    assert.match(gateway.stderr, message);
  });
}

test("without a token one is made, kept with mode 0600, and gets in; no log shows it", async () => {
  await using gateway = await GatewayProcess.spawn({ isTokenGiven: false });
  const { tokenFile } = await gateway.logged("the owner's token is in this file");
  assert.equal(tokenFile, join(gateway.stateDir, "token"));
  assert.equal((await stat(String(tokenFile))).mode & 0o777, 0o600);
  const url = await gateway.url();
  const token = await gateway.readState("token");
  assert.equal((await createRequester(url, token.trim())("/v1/info")).status, 200);
  assert.ok(!gateway.stderr.includes(token.trim()));
});

test("SIGTERM: not ready at once, no new exec, what runs may end, then 0", async () => {
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  const session = await request("/v1/sessions", { method: "POST", body: { command: ["sh", "-c", "read go; echo $go"], stdin: true } });
  assert.equal(session.status, 201);
  gateway.child.kill("SIGTERM");
  await gateway.logged("draining");
  const ready = await request("/readyz");
  assert.deepEqual([ready.status, (ready.json as { status: string }).status], [503, "draining"]);
  assert.equal((await request("/healthz")).status, 200);
  const late = await request("/v1/exec", { method: "POST", body: { command: ["true"] } });
  assert.deepEqual([late.status, (late.json as { code: string }).code], [503, "DRAINING"]);
  await request(`${session.headers.location}/stdin`, { method: "POST", body: { data: "go\n", eof: true } });
  assert.deepEqual(await gateway.exited, { status: 0, signal: null });
});

test("SIGTERM: what runs after shutdownMs is ended, told 1001, and its caller still gets an answer", async () => {
  await using gateway = await GatewayProcess.spawn({ settings: { limits: { shutdownMs: 100 } } });
  const [request, url, sleep] = [await gateway.requester(), await gateway.url(), uniqueSleep()];
  const running = request("/v1/exec", { method: "POST", body: { command: ["sh", "-c", `echo early; sleep ${sleep}`] } });
  using client = await dial(`${url}/v1/exec?command=sleep&command=${sleep}`);
  await client.control("attached");
  await until("both commands", () => processesWith(`sleep\0${sleep}`).length === 2);
  await until("word of both", async () => (await request("/v1/sessions?state=running")).text.split(sleep).length === 3);
  gateway.child.kill("SIGTERM");
  assert.equal((await client.closed).code, 1001);
  assert.deepEqual([(await client.control("exit")).outcome, (await client.control("exit")).endedBy], ["killed", "shutdown"]);
  const answer = (await running).json as ExecAnswer;
  assert.deepEqual([answer.outcome, answer.endedBy, answer.stdout.data], ["killed", "shutdown", "early\n"]);
  assert.deepEqual(await gateway.exited, { status: 0, signal: null });
  assert.deepEqual(processesWith(sleep), []);
});

test("a second signal ends what runs at once", async () => {
  await using gateway = await GatewayProcess.spawn();
  using client = await dial(`${await gateway.url()}/v1/exec?command=cat`);
  await client.control("attached");
  gateway.child.kill("SIGTERM");
  await gateway.logged("draining");
  const began = performance.now();
  gateway.child.kill("SIGINT");
  assert.deepEqual(await gateway.exited, { status: 0, signal: null });
  assert.ok(performance.now() - began < 2000);
  assert.equal((await client.closed).code, 1001);
});

/** Holds a port of loopback for the test, unless somebody else holds it already. */
async function hold(t: TestContext, port: number): Promise<void> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  const taken = once(server, "error").catch(() => undefined);
  await Promise.race([once(server, "listening").catch(() => undefined), taken]);
  t.after(() => server.close());
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const free = await Promise.race([once(server, "listening").then(() => true), once(server, "error").then(() => false)]).catch(() => false);
  server.close();
  return free;
}

test("8080 that is taken ends the start with 78", async (t) => {
  await hold(t, 8080);
  await using gateway = await GatewayProcess.spawn({ listen: [] });
  assert.equal((await gateway.exited).status, 78);
  assert.match(gateway.stderr, /listen: 127\.0\.0\.1:8080: .*EADDRINUSE/);
});

test("8443 that is taken is a warning", async (t) => {
  if (!(await isFree(8080))) return t.skip("8080 is in use on this machine");
  await hold(t, 8443);
  await using gateway = await GatewayProcess.spawn({ listen: [] });
  const { urls } = await gateway.logged("execgate is ready");
  assert.deepEqual(urls, ["http://127.0.0.1:8080"]);
  const { level, address } = await gateway.logged("this listener is left out");
  assert.deepEqual([level, address], [40, "https://127.0.0.1:8443"]);
});

test("a metrics address that is taken ends the start with 78", async () => {
  await using first = await GatewayProcess.spawn();
  const { host } = new URL(await first.url());
  await using second = await GatewayProcess.spawn({ settings: { metrics: { listen: host } } });
  assert.deepEqual(await second.exited, { status: 78, signal: null });
  assert.match(second.stderr, /^execgate: metrics\.listen: [^\n]*EADDRINUSE[^\n]*$/m);
});

test("an empty token file lets nobody start", async () => {
  await using gateway = await GatewayProcess.spawn({ isTokenGiven: false, prepare: (dir) => writeFile(join(dir, "token"), "\n") });
  assert.equal((await gateway.exited).status, 78);
  assert.match(gateway.stderr, /^execgate: .*token/m);
});

const settingsOf = (target: string) =>
  JSON.stringify({
    policy: {
      roles: { r: { allow: [{ verbs: ["exec"], targets: [target], commands: "any" }] } },
      bindings: [{ subjects: ["user:owner"], roles: ["r"] }],
    },
  });

test("a token that is taken out of the file ends its sessions within 5 s", async () => {
  const [kept, revoked] = ["execgate_kept-token", "execgate_revoked-token"].map((secret, i) => ({
    secret,
    entry: { id: `t${i}`, sha256: digestOf(secret) },
  }));
  assert.ok(kept !== undefined && revoked !== undefined);
  await using gateway = await GatewayProcess.spawn({ isTokenGiven: false, settings: { auth: { tokens: [kept.entry, revoked.entry] } } });
  const url = await gateway.url();
  using first = await dial(`${url}/v1/exec?command=cat`, { token: kept.secret });
  using second = await dial(`${url}/v1/exec?command=cat`, { token: revoked.secret });
  await Promise.all([first.control("attached"), second.control("attached")]);
  const began = performance.now();
  await writeFile(join(gateway.stateDir, "config.yaml"), JSON.stringify({ auth: { tokens: [kept.entry] } }));
  assert.equal((await second.closed).code, 4401);
  assert.ok(performance.now() - began < 5000);
  first.stdin("still here\n");
  await first.untilStdout("still here\n");
  const requestOf = (token: string) => createRequester(url, token)("/v1/info");
  assert.deepEqual([(await requestOf(kept.secret)).status, (await requestOf(revoked.secret)).status], [200, 401]);
});

test("SIGHUP reads the policy again, a bad or empty file keeps it and says why", async () => {
  await using gateway = await GatewayProcess.spawn({ settings: settingsOf("host") });
  const request = await gateway.requester();
  const exec = async () => (await request("/v1/exec", { method: "POST", body: { command: ["true"] } })).status;
  const file = join(gateway.stateDir, "config.yaml");
  const hangUp = async (content: string, msg: string) => {
    await writeFile(file, content);
    gateway.child.kill("SIGHUP");
    return await gateway.logged(msg);
  };
  assert.equal(await exec(), 200);
  const kept = await hangUp("policy: { rolls: {} }", "the configuration could not be read again; the one from before goes on");
  assert.equal(kept.reason, "policy.rolls: unknown key");
  assert.equal(await exec(), 200);
  await hangUp(settingsOf("docker:*"), "auth, policy and probes were read again");
  assert.equal(await exec(), 404);
});

test("a changed file is read again by itself, also when it is truncated before it is written", async () => {
  await using gateway = await GatewayProcess.spawn({ settings: settingsOf("host") });
  const request = await gateway.requester();
  const file = join(gateway.stateDir, "config.yaml");
  const session = await request("/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true } });
  await writeFile(file, "");
  await writeFile(file, settingsOf("docker:*"));
  await gateway.logged("auth, policy and probes were read again");
  await until("end of the session", async () => {
    const { state, endedBy } = (await request(String(session.headers.location))).json as { state: string; endedBy: string | null };
    return state === "ended" && endedBy === "policy";
  });
});
