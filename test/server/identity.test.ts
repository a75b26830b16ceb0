import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { digestOf } from "../../src/access/static-tokens.ts";
import { elsewhere } from "../fixtures/elsewhere.ts";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem, type HttpAnswer } from "../fixtures/http-answer.ts";
import { audience, openIssuer } from "../fixtures/issuer.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

const secret = "execgate_the-secret-of-ci";
const ci = { id: "ci", sha256: digestOf(secret), groups: ["probers"] };
const issuerOf = ({ url, jwksUrl }: { url: string; jwksUrl: string }) => ({ issuer: url, audience, jwksUrl, algorithms: ["ES256"] });
const header = "cf-access-jwt-assertion";

const subjectOf = (answer: HttpAnswer): string | number =>
  answer.status === 200 ? (answer.json as { principal: { subject: string } }).principal.subject : answer.status;
const ask = async (served: TestGateway, headers: Record<string, string | undefined>) =>
  subjectOf(await served.request("/v1/info", { headers: { authorization: undefined, ...headers } }));

test("with an auth section the owner is there only by the environment", async () => {
  await using without = await openGateway({ auth: { tokens: [ci] } }, { hasOwner: false });
  assert.equal(without.gateway.token, undefined);
  assert.equal(await ask(without, { authorization: `Bearer ${testToken}` }), 401);
  assert.equal(await ask(without, { authorization: `Bearer ${secret}` }), "user:ci");
  await using given = await openGateway({ auth: { tokens: [ci] } });
  assert.equal(await ask(given, { authorization: `Bearer ${testToken}` }), "user:owner");
});

test("a JWT is taken as a bearer, from the header of a trusted proxy, and from nobody else's", async () => {
  await using issuer = await openIssuer();
  const jwt = [{ ...issuerOf(issuer), header: "Cf-Access-Jwt-Assertion" }];
  await using served = await openGateway({ auth: { tokens: [ci], jwt }, behindProxy: true });
  await using direct = await openGateway({ auth: { tokens: [ci], jwt } });
  await using other = await openGateway({ auth: { tokens: [ci], jwt }, behindProxy: { trusted: ["10.0.0.0/8"] } });
  const token = await issuer.sign();
  for (const gateway of [served, direct, other]) {
    assert.equal(await ask(gateway, { authorization: `Bearer ${token}` }), "user:alice");
    assert.equal(await ask(gateway, { [header]: token }), gateway === served ? "user:alice" : 401);
  }
  assert.equal(await ask(served, { [header]: `${token}, ${await issuer.sign({ sub: "mallory" })}`, ...elsewhere() }), 401);
  assert.equal(await ask(served, { [header]: secret, ...elsewhere() }), 401, "a static token is none there");
  assert.equal(await ask(served, { "x-other": token }), 401);
  assert.equal(await ask(served, { [header]: token, authorization: `Bearer ${secret}` }), "user:ci", "what is said expressly counts");
  assert.equal(await ask(served, { [header]: token, authorization: "Bearer wrong", ...elsewhere() }), 401, "and is not made up for");
});

test("a browser's own credential is not for what a page of another site asks without saying who it is", async () => {
  await using issuer = await openIssuer();
  await using served = await openGateway({ auth: { tokens: [ci], jwt: [{ ...issuerOf(issuer), header }] }, behindProxy: true });
  const token = await issuer.sign();
  const from = (site: string, credential: Record<string, string>) => ask(served, { ...credential, "sec-fetch-site": site });
  for (const site of ["cross-site", "same-site"]) {
    assert.equal(await from(site, { [header]: token }), 403);
    assert.equal(await from(site, { authorization: `Bearer ${secret}` }), "user:ci", "this one was said expressly");
  }
  for (const site of ["same-origin", "none"]) assert.equal(await from(site, { [header]: token }), "user:alice");
});

for (const how of ["close", "reset"] as const) {
  test(`who leaves by a ${how} while the keys of its token are read starts nothing`, async () => {
    await using issuer = await openIssuer();
    await using served = await openGateway({ auth: { jwt: [issuerOf(issuer)] } });
    issuer.broken = "silent";
    const sleep = uniqueSleep();
    const { hostname, port, host } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    const head = [
      `GET /v1/exec?command=sleep&command=${sleep}&keepMs=60000 HTTP/1.1`,
      `Host: ${host}`,
      `Authorization: Bearer ${await issuer.sign()}`,
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    ];
    socket.write(head.join("\r\n"));
    await until("the question for keys", () => issuer.asked === 1);
    if (how === "close") socket.end();
    else socket.resetAndDestroy();
    await until("connection closed here", () => socket.closed || socket.writableFinished);
    issuer.answer();
    // Another client with the same token gets in, and is behind the first one in every queue.
    using other = await dial(`${served.url}/v1/exec?command=true`, { token: await issuer.sign() });
    await other.control("exit");
    assert.equal(await served.metric("execgate_exec_start_seconds_count"), 1);
    socket.destroy();
  });
}

test("an auth section that names nobody is warned of", async () => {
  await using served = await openGateway({ auth: {} }, { hasOwner: false });
  assert.ok(served.logLines.some(({ msg, level }) => level === 40 && String(msg).includes("nobody can get in")));
});

test("an auth section that comes with a reload takes the place of the token that was made at the start", async () => {
  await using served = await openGateway({}, { hasOwner: false });
  const { token } = served.gateway;
  using client = await dial(`${served.url}/v1/exec?command=cat`, { token });
  await client.control("attached");
  served.gateway.reload({ auth: { tokens: [{ ...ci, expiresAt: undefined }], jwt: [] }, policy: undefined, token: undefined, probes: [] });
  assert.equal((await client.closed).code, 4401);
  assert.equal(await ask(served, { authorization: `Bearer ${token}` }), 401);
  assert.equal(await ask(served, { authorization: `Bearer ${secret}` }), "user:ci");
});

test("an issuer that uses no header is not believed in that of another", async () => {
  await using one = await openIssuer();
  await using two = await openIssuer();
  await using served = await openGateway({ auth: { jwt: [{ ...issuerOf(one), header }, issuerOf(two)] }, behindProxy: true });
  assert.equal(await ask(served, { [header]: await one.sign() }), "user:alice");
  assert.equal(await ask(served, { [header]: await two.sign() }), 401);
  assert.equal(await ask(served, { authorization: `Bearer ${await two.sign()}` }), "user:alice");
});

test("keys in a file are followed when it changes", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "execgate-keys-"));
  t.after(() => rm(dir, { recursive: true }));
  const jwksFile = join(dir, "jwks.json");
  await using issuer = await openIssuer();
  const { jwksUrl: _, ...rest } = issuerOf(issuer);
  await writeFile(jwksFile, JSON.stringify({ keys: [issuer.publicKey] }));
  await using served = await openGateway({ auth: { jwt: [{ ...rest, jwksFile }] }, behindProxy: true });
  assert.equal(await ask(served, { authorization: `Bearer ${await issuer.sign()}` }), "user:alice");
  await issuer.rotate("second");
  await writeFile(jwksFile, JSON.stringify({ keys: [issuer.publicKey] }));
  const token = await issuer.sign();
  await until("new key", async () => (await ask(served, { authorization: `Bearer ${token}`, ...elsewhere() })) === "user:alice");
  assert.equal(issuer.asked, 0);
});

describe("the end of a credential", { concurrency: true }, () => {
  test("a credential that expires ends its sessions and sockets within 5 s, with 4401, and nobody else's", async () => {
    await using issuer = await openIssuer();
    await using served = await openGateway({ auth: { jwt: [issuerOf(issuer)] } });
    const exp = Math.ceil(Date.now() / 1000) + 2;
    const token = await issuer.sign({ exp });
    const sleep = uniqueSleep();
    using expiring = await dial(`${served.url}/v1/exec?command=sh&command=-c&command=${encodeURIComponent(`sleep ${sleep} & cat`)}`, {
      token,
    });
    using lasting = await dial(`${served.url}/v1/exec?command=cat`);
    await expiring.control("attached");
    await lasting.control("attached");
    const authorization = `Bearer ${token}`;
    const kept = await served.request("/v1/sessions", {
      method: "POST",
      headers: { authorization },
      body: { command: ["sleep", sleep], keepMs: 60_000, timeoutMs: 0 },
    });
    const oneShot = served.request("/v1/exec", {
      method: "POST",
      headers: { authorization },
      body: { command: ["sh", "-c", `echo so far; sleep ${sleep}`] },
    });
    const { code } = await expiring.closed;
    const late = Date.now() - exp * 1000;
    assert.equal(code, 4401);
    assert.ok(late > -50 && late < 5000, `${late} ms behind its end`);
    assert.equal((await expiring.control("error")).code, "UNAUTHENTICATED");
    const { outcome, endedBy } = (await oneShot).json as { outcome: string; endedBy: string };
    assert.deepEqual([outcome, endedBy], ["killed", "policy"]);
    await until("end of the commands", () => processesWith(sleep).length === 0);
    assert.equal(kept.status, 201);
    lasting.stdin("still here\n");
    await lasting.untilStdout("still here\n");
  });

  test("a client that does not answer the close is gone all the same", async () => {
    await using issuer = await openIssuer();
    await using served = await openGateway({ auth: { jwt: [issuerOf(issuer)] } });
    const token = await issuer.sign({ exp: Math.ceil(Date.now() / 1000) + 2 });
    using client = await dial(`${served.url}/v1/exec?command=yes`, { token });
    await client.control("attached");
    client.ws.pause();
    await until("socket closed", async () => (await served.metric("execgate_clients_active")) === 0, 8000);
  });
});

test("ten failures from one source make the next 429 with Retry-After; a valid credential and other sources get in", async () => {
  await using served = await openGateway({ auth: { tokens: [ci] }, behindProxy: true });
  const from = (address: string) => ({ "x-forwarded-for": address });
  const fail = (address: string) => served.request("/v1/info", { headers: { authorization: "Bearer wrong", ...from(address) } });
  for (let i = 0; i < 10; i++) assertProblem(await fail(`2001:db8::${i}`), 401, "UNAUTHENTICATED");
  const refused = await fail("2001:db8::77");
  assertProblem(refused, 429, "TOO_MANY_REQUESTS");
  const wait = Number(refused.headers["retry-after"]);
  assert.ok(wait > 50 && wait <= 60, String(wait));
  for (const options of [
    { protocols: ["v1.execgate", "ticket.execgate.wrong"], token: "" },
    { protocols: ["v1.execgate", "base64url.bearer.authorization.k8s.io.d3Jvbmc"], token: "" },
    { protocols: ["v1.execgate", "base64url.bearer.authorization.k8s.io.AAAAA"], token: "" },
  ]) {
    const answer = await refusalOf(`${served.url}/v1/exec?command=true`, { ...options, headers: from("2001:db8::1") });
    assertProblem(answer, 429, "TOO_MANY_REQUESTS");
  }
  assert.equal(await ask(served, { authorization: `Bearer ${secret}`, ...from("2001:db8::1") }), "user:ci");
  assert.equal(await ask(served, from("2001:db8::1")), 401, "nothing presented is no guess");
  assertProblem(await fail("2001:db8:0:1::1"), 401, "UNAUTHENTICATED");
});

test("a proxy's word on scheme and host is what a page's origin is held against, and both hosts must be ours", async () => {
  await using served = await openGateway({ behindProxy: true, publicUrls: ["https://exec.example.com"] });
  const at = async (headers: Record<string, string>) => (await served.request("/v1/info", { headers })).status;
  const proxied = { "x-forwarded-proto": "https", "x-forwarded-host": "10.1.2.3:9443" };
  assert.equal(await at({ ...proxied, origin: "https://10.1.2.3:9443" }), 200);
  assert.equal(await at({ ...proxied, origin: "http://10.1.2.3:9443" }), 403);
  assert.equal(await at({ ...proxied, origin: `http://${new URL(served.url).host}` }), 403);
  assert.equal(await at({ "x-forwarded-host": "rebound.example" }), 421);
  assert.equal(await at({ host: "rebound.example", "x-forwarded-host": "localhost" }), 421);
});
