import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { type TestContext, test } from "node:test";
import { exportJWK, SignJWT } from "jose";
import { Authentication, type IssuerSettings } from "../../src/access/authentication.ts";
import { FakeClock } from "../fixtures/clock.ts";
import { audience, type Issuer, openIssuer } from "../fixtures/issuer.ts";
import { until } from "../fixtures/until.ts";

interface Setup {
  readonly issuer: Issuer;
  readonly clock: FakeClock;
  readonly warnings: { facts: Record<string, unknown>; message: string }[];
  readonly authentication: Authentication;
  /** The subject of whoever presents the token, or the message of the refusal. */
  present(token: string): Promise<string>;
}

async function setUp(t: TestContext, wanted: Partial<IssuerSettings> = {}): Promise<Setup> {
  const clock = new FakeClock();
  const issuer = await openIssuer(() => clock.now());
  t.after(() => issuer[Symbol.asyncDispose]());
  const warnings: Setup["warnings"] = [];
  const log = { warn: (facts: object, message: string) => void warnings.push({ facts: facts as Record<string, unknown>, message }) };
  const settings: IssuerSettings = {
    issuer: issuer.url,
    audience,
    algorithms: ["ES256", "RS256"],
    subjectClaim: "sub",
    groupsClaim: "groups",
    clockToleranceMs: 30_000,
    jwksUrl: issuer.jwksUrl,
    ...wanted,
  };
  const authentication = new Authentication({ tokens: [], jwt: [settings] }, "the-owner's-token", clock, log);
  let sources = 0;
  return {
    issuer,
    clock,
    warnings,
    authentication,
    async present(token) {
      try {
        return (await authentication.authenticate({ scheme: "bearer", token }, `${++sources}`)).subject;
      } catch (cause) {
        assert.ok(cause instanceof Error && "code" in cause && cause.code === "UNAUTHENTICATED", String(cause));
        return cause.message;
      }
    },
  };
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token that is in order says who it is, in which groups, and until when", async (t) => {
  const { issuer, clock, authentication } = await setUp(t);
  const exp = Math.floor(clock.now() / 1000) + 60;
  const token = await issuer.sign({ sub: "alice@example.com", groups: ["dev", "ops"], exp });
  const principal = await authentication.authenticate({ scheme: "bearer", token }, "1");
  assert.deepEqual(principal, {
    subject: "user:alice@example.com",
    groups: ["dev", "ops"],
    credential: `jwt:${issuer.url}`,
    expiresAt: exp * 1000,
  });
});

test("an unsigned token is refused, whatever it calls that", async (t) => {
  const { issuer, present } = await setUp(t);
  const [, payload] = (await issuer.sign()).split(".");
  for (const alg of ["none", "None", "NONE", ""]) {
    const unsigned = `${base64url({ alg, kid: "first" })}.${payload}.`;
    assert.notEqual(await present(unsigned), "user:alice", alg);
  }
  const [header] = (await issuer.sign()).split(".");
  assert.match(await present(`${header}.${payload}.`), /not well formed|not valid/);
});

test("a token that is signed with the public key as a shared secret is refused", async (t) => {
  const { issuer, present } = await setUp(t);
  const [, payload] = (await issuer.sign()).split(".");
  const input = `${base64url({ alg: "HS256", kid: "first" })}.${payload}`;
  for (const secret of [JSON.stringify(issuer.publicKey), String(issuer.publicKey.x), ""]) {
    const mac = createHmac("sha256", secret).update(input).digest("base64url");
    assert.match(await present(`${input}.${mac}`), /algorithm that is not allowed/);
  }
});

test("an algorithm that is not listed is refused, also with a key that is published", async (t) => {
  const { issuer, present } = await setUp(t, { algorithms: ["RS256"] });
  assert.match(await present(await issuer.sign()), /algorithm that is not allowed/);
});

test("keys that a token brings along or points to are not looked at", async (t) => {
  const { issuer, present } = await setUp(t);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...(await exportJWK(publicKey)), kid: "mine" };
  const now = Math.floor(Date.UTC(2026, 0, 1) / 1000);
  const forged = (header: object) =>
    new SignJWT({ iss: issuer.url, aud: audience, sub: "mallory", iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: "ES256", ...header })
      .sign(privateKey);
  for (const header of [
    { jwk },
    { kid: "mine", jwk },
    { kid: "mine", jku: "http://127.0.0.1:1/keys" },
    { kid: "mine", x5u: "http://127.0.0.1:1/" },
  ]) {
    assert.match(await present(await forged(header)), /key that is not known|signature that is not valid/);
  }
  assert.match(await present(await forged({ kid: "first" })), /signature that is not valid/);
});

test("a key's name is compared and nothing else", async (t) => {
  const { issuer, present } = await setUp(t);
  for (const kid of [
    "../../../../dev/null",
    "/proc/self/environ",
    "first' OR '1'='1",
    "http://127.0.0.1:1/",
    "__proto__",
    "constructor",
    "FIRST",
    " first",
  ]) {
    assert.match(await present(await issuer.sign({}, { kid })), /key that is not known/, kid);
  }
});

test("the wrong audience, issuer or user, or none, is refused", async (t) => {
  const { issuer, present } = await setUp(t);
  assert.match(await present(await issuer.sign({ aud: "another" })), /another audience/);
  assert.match(await present(await issuer.sign({ aud: [] })), /another audience/);
  assert.match(await present(await issuer.sign({ aud: undefined as never })), /another audience/);
  assert.match(await present(await issuer.sign({ iss: "https://evil.example" })), /issuer that is not configured/);
  assert.match(await present(await issuer.sign({ iss: undefined as never })), /issuer that is not configured/);
  for (const sub of ["", "a b", "a\nb", "ü", "x".repeat(257), 7, null]) {
    assert.match(await present(await issuer.sign({ sub: sub as string })), /names no user|sub claim/, String(sub));
  }
  assert.match(await present(await issuer.sign({ sub: "owner" })), /gateway's own name/);
  assert.match(await present(await issuer.sign({ groups: "dev ops" })), /^user:alice$/);
  assert.match(await present(await issuer.sign({ groups: [7] })), /no list of names/);
  assert.equal(await present(await issuer.sign({ aud: ["another", audience] })), "user:alice");
});

test("an email that is not verified names nobody", async (t) => {
  const { issuer, present } = await setUp(t, { subjectClaim: "email" });
  assert.equal(await present(await issuer.sign({ email: "a@example.com", email_verified: true })), "user:a@example.com");
  assert.match(await present(await issuer.sign({ email: "a@example.com", email_verified: false })), /not verified/);
  assert.match(await present(await issuer.sign()), /email claim|names no user/);
});

test("a token has an end, and is in time within the tolerance and not beyond", async (t) => {
  const { issuer, clock, present } = await setUp(t);
  const now = Math.floor(clock.now() / 1000);
  assert.match(await present(await issuer.sign({ exp: undefined as never })), /exp claim/);
  for (const [claims, isInTime] of [
    [{ exp: now - 29 }, true],
    [{ exp: now - 31 }, false],
    [{ nbf: now + 29 }, true],
    [{ nbf: now + 31 }, false],
    [{ iat: now + 29 }, true],
    [{ iat: now + 31 }, false],
  ] as const) {
    const said = await present(await issuer.sign(claims));
    assert.equal(said === "user:alice", isInTime, `${JSON.stringify(claims)}: ${said}`);
  }
});

test("a clock that jumps decides on the tokens to come, and neither ends nor prolongs what was let in", async (t) => {
  const { issuer, clock, authentication, present } = await setUp(t);
  const token = await issuer.sign({ exp: Math.floor(clock.now() / 1000) + 60 });
  const principal = await authentication.authenticate({ scheme: "bearer", token }, "1");
  clock.wallMs += 86_400_000;
  assert.match(await present(token), /expired/);
  assert.equal(authentication.current(principal), principal);
  clock.wallMs -= 2 * 86_400_000;
  assert.match(await present(token), /issued in the future/);
  await clock.advance(59_999);
  assert.equal(authentication.current(principal), principal);
  await clock.advance(1);
  assert.equal(authentication.current(principal), undefined);
});

test("a token that is let in behind its end lasts as long as clocks may differ", async (t) => {
  const { issuer, clock, authentication } = await setUp(t);
  const token = await issuer.sign({ exp: Math.floor(clock.now() / 1000) - 10 });
  const principal = await authentication.authenticate({ scheme: "bearer", token }, "1");
  await clock.advance(19_999);
  assert.equal(authentication.current(principal), principal);
  await clock.advance(1);
  assert.equal(authentication.current(principal), undefined);
});

test("what is no token, or far too long, is refused without a look at the keys", async (t) => {
  const { issuer, present } = await setUp(t);
  for (const token of ["a.b.c", "..", "eyJhbGciOiJFUzI1NiJ9.e30.", "eyJhbGciOiJFUzI1NiJ9..x"]) await present(token);
  assert.match(await present(await issuer.sign({ filler: "x".repeat(16_384) })), /longer than 16384/);
  assert.equal(issuer.asked, 0);
});

test("no refusal repeats what the token says", async (t) => {
  const { issuer, present } = await setUp(t);
  for (const claims of [
    { aud: "canary" },
    { iss: "canary" },
    { sub: "canary canary" },
    { exp: 1, canary: 1 },
    { nbf: 9e9, jti: "canary" },
  ]) {
    assert.doesNotMatch(await present(await issuer.sign(claims)), /canary/);
  }
  assert.doesNotMatch(await present(await issuer.sign({}, { kid: "canary" })), /canary/);
});

test("a new key is accepted without a restart, and one that is withdrawn is not for long", async (t) => {
  const { issuer, clock, present } = await setUp(t);
  const old = await issuer.sign({ exp: Math.floor(clock.now() / 1000) + 3600 });
  assert.equal(await present(old), "user:alice");
  await clock.advance(30_000);
  await issuer.rotate("second", false);
  assert.equal(await present(await issuer.sign()), "user:alice");
  assert.equal(issuer.asked, 2);
  assert.match(await present(old), /key that is not known/);
});

test("names of unknown keys do not make the gateway ask for keys without end", async (t) => {
  const { issuer, clock, present } = await setUp(t);
  await present(await issuer.sign());
  const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => issuer.sign({}, { kid: `unknown-${i}` })));
  await clock.advance(30_000);
  for (const said of await Promise.all(tokens.map(present))) assert.match(said, /key that is not known/);
  for (const token of tokens) await present(token);
  assert.equal(issuer.asked, 2, "once for all who wait, and then not for 30 s");
  assert.equal(await present(await issuer.sign()), "user:alice");
});

test("keys that were read go on while the issuer does not answer, new ones are refused, and the log says so", async (t) => {
  const { issuer, clock, warnings, present } = await setUp(t);
  assert.equal(await present(await issuer.sign()), "user:alice");
  for (const broken of [
    { status: 503, body: "" },
    { status: 302, body: "" },
    { status: 200, body: "<html>" },
    { status: 200, body: '{"keys":7}' },
    { status: 200, body: `{"keys":[],"filler":"${"x".repeat(1_100_000)}"}` },
  ]) {
    issuer.broken = broken;
    warnings.length = 0;
    await clock.advance(600_000);
    assert.equal(await present(await issuer.sign()), "user:alice", JSON.stringify(broken).slice(0, 80));
    await until("warning", () => warnings.length > 0);
    assert.deepEqual([warnings.length, warnings[0]?.facts.jwks], [1, issuer.jwksUrl]);
    assert.match(warnings[0]?.message ?? "", /the keys from before go on, new ones are refused/);
  }
  await issuer.rotate("second");
  assert.match(await present(await issuer.sign()), /key that is not known/);
  issuer.broken = undefined;
  await clock.advance(30_000);
  assert.equal(await present(await issuer.sign()), "user:alice");
});

test("while no key was ever read nobody is let in, and somebody is as soon as the issuer answers", async (t) => {
  const { issuer, clock, warnings, present } = await setUp(t);
  issuer.broken = { status: 500, body: "" };
  assert.match(await present(await issuer.sign()), /key that is not known/);
  assert.match(warnings[0]?.message ?? "", /no token of its issuer is accepted/);
  issuer.broken = undefined;
  assert.match(await present(await issuer.sign()), /key that is not known/, "it was asked a moment ago");
  await clock.advance(30_000);
  assert.equal(await present(await issuer.sign()), "user:alice");
});

test("who can be checked by keys that are there does not wait for an issuer that hangs", async (t) => {
  const { issuer, clock, present } = await setUp(t);
  assert.equal(await present(await issuer.sign()), "user:alice");
  issuer.broken = "silent";
  await clock.advance(600_000);
  const began = performance.now();
  assert.equal(await present(await issuer.sign()), "user:alice");
  assert.ok(performance.now() - began < 2000);
  await until("the question", () => issuer.asked === 2);
  issuer.answer();
});

test("an issuer that takes the question and does not answer is not waited for without end", { timeout: 20_000 }, async (t) => {
  const { issuer, warnings, present } = await setUp(t);
  issuer.broken = "silent";
  const began = performance.now();
  assert.match(await present(await issuer.sign()), /key that is not known/);
  assert.ok(performance.now() - began < 8000);
  assert.match(String(warnings[0]?.facts.reason), /timeout|abort/i);
});
