import assert from "node:assert/strict";
import { test } from "node:test";
import { Authentication, type AuthSettings } from "../../src/access/authentication.ts";
import { Authorizer } from "../../src/access/authorizer.ts";
import { Grants } from "../../src/access/grants.ts";
import type { Principal } from "../../src/access/principal.ts";
import { digestOf, type StaticToken } from "../../src/access/static-tokens.ts";
import { watchRights } from "../../src/access/watch-rights.ts";
import type { ExecgateError } from "../../src/errors.ts";
import { FakeClock } from "../fixtures/clock.ts";
import { requestFor } from "../fixtures/policy.ts";

const secret = "execgate_the-secret-of-ci";
const ci: StaticToken = { id: "ci", sha256: digestOf(secret), groups: ["probers"], expiresAt: undefined };
const refusesIt = { name: "ExecgateError", code: "UNAUTHENTICATED" };
const settingsOf = (...tokens: StaticToken[]): AuthSettings => ({ tokens, jwt: [] });

function createAuthentication(settings: AuthSettings, owner?: string) {
  const clock = new FakeClock();
  const authentication = new Authentication(settings, owner, clock, { warn: () => assert.fail("nothing is to be warned of") });
  const present = (token: string, source = "10.0.0.1"): Promise<Principal> =>
    authentication.authenticate({ scheme: "bearer", token }, source);
  return { clock, authentication, present };
}

test("a static token is known by its digest, in either case of its digits", async () => {
  const { present } = createAuthentication(settingsOf({ ...ci, sha256: ci.sha256.toUpperCase() }));
  assert.deepEqual(await present(secret), { subject: "user:ci", groups: ["probers"], credential: "token:ci", expiresAt: undefined });
  for (const wrong of [ci.sha256, secret.slice(1), `${secret} `, "", secret.toUpperCase()])
    await assert.rejects(present(wrong, wrong), refusesIt);
});

test("the owner is there with a token of their own, and not without", async () => {
  const { present } = createAuthentication(settingsOf(ci), "the-owner's-own-token");
  assert.deepEqual(await present("the-owner's-own-token"), {
    subject: "user:owner",
    groups: [],
    credential: "owner",
    expiresAt: undefined,
  });
  await assert.rejects(createAuthentication(settingsOf(ci)).present("the-owner's-own-token"), refusesIt);
});

test("a token that has expired is refused", async () => {
  const { clock, present } = createAuthentication(settingsOf({ ...ci, expiresAt: Date.UTC(2026, 0, 1) + 1000 }));
  await present(secret);
  await clock.advance(1000);
  await assert.rejects(present(secret), { ...refusesIt, message: "The token has expired." });
});

test("what is presented in vain is counted, nothing presented is not, and a valid credential gets in all the same", async () => {
  const { authentication, present } = createAuthentication(settingsOf(ci));
  for (let i = 0; i < 20; i++) await assert.rejects(authentication.authenticate(undefined, "10.0.0.1"), refusesIt);
  for (let i = 0; i < 10; i++) await assert.rejects(present("wrong"), refusesIt);
  await assert.rejects(present("wrong"), { code: "TOO_MANY_REQUESTS" });
  assert.equal((await present(secret)).subject, "user:ci");
  await assert.rejects(present("wrong", "10.0.0.2"), refusesIt);
  await assert.rejects(authentication.authenticate({ scheme: "malformed", message: "not so" }, "10.0.0.1"), { code: "TOO_MANY_REQUESTS" });
});

test("who was let in stays who they are, with the groups of the configuration, until their token is taken out or changed", async () => {
  const { authentication, present } = createAuthentication(settingsOf(ci));
  const principal = await present(secret);
  authentication.configure(settingsOf({ ...ci }), undefined);
  assert.equal(authentication.current(principal), principal);
  authentication.configure(settingsOf({ ...ci, groups: ["night"] }), undefined);
  const changed = authentication.current(principal);
  assert.deepEqual(changed?.groups, ["night"]);
  assert.deepEqual(authentication.current(changed as Principal)?.groups, ["night"]);
  authentication.configure(settingsOf({ ...ci, sha256: digestOf("another secret") }), undefined);
  assert.equal(authentication.current(principal), undefined);
  assert.equal(authentication.current(changed as Principal), undefined);
});

test("an end that the configuration moves is the end of what was let in before", async () => {
  const { clock, authentication, present } = createAuthentication(settingsOf({ ...ci, expiresAt: Date.UTC(2026, 0, 1) + 10_000 }));
  const principal = await present(secret);
  authentication.configure(settingsOf({ ...ci, expiresAt: clock.now() + 1_000_000 }), undefined);
  await clock.advance(20_000);
  assert.equal(authentication.current(principal)?.expiresAt, Date.UTC(2026, 0, 1) + 1_000_000);
  authentication.configure(settingsOf({ ...ci, expiresAt: clock.now() - 1 }), undefined);
  assert.equal(authentication.current(principal), undefined);
});

test("a principal that nobody was let in as has no standing", () => {
  const { authentication } = createAuthentication(settingsOf(ci));
  assert.equal(authentication.current({ subject: "user:ci", groups: [], credential: "token:ci", expiresAt: undefined }), undefined);
});

test("what goes on by a credential that ends is ended within a second, by another not at all", async () => {
  const { clock, authentication, present } = createAuthentication(
    settingsOf({ ...ci, expiresAt: Date.UTC(2026, 0, 1) + 5000 }, { ...ci, id: "cd", sha256: digestOf("other") }),
  );
  const grants = new Grants();
  const ended: [string, string][] = [];
  for (const principal of [await present(secret), await present("other")]) {
    const end = ({ code }: ExecgateError): void => void ended.push([principal.subject, code]);
    grants.add({ principal, from: "10.0.0.1", reason: undefined, verb: "exec", request: requestFor({}), end });
  }
  const authorizer = new Authorizer({ clock, grants, policy: undefined, onDenied: () => assert.fail("there is no policy") });
  const stop = watchRights(grants, authentication, authorizer, clock);
  clock.wallMs += 86_400_000;
  await clock.advance(4000);
  assert.deepEqual(ended, [], "the clock on the wall ends nothing");
  await clock.advance(2000);
  assert.deepEqual(ended, [["user:ci", "UNAUTHENTICATED"]]);
  authentication.configure(settingsOf(), undefined);
  await clock.advance(1000);
  assert.deepEqual(ended, [
    ["user:ci", "UNAUTHENTICATED"],
    ["user:cd", "UNAUTHENTICATED"],
  ]);
  stop();
  assert.equal(clock.timers, 0);
});

test("a right is reviewed with the groups that its principal has by now", async () => {
  const { authentication, present } = createAuthentication(settingsOf(ci));
  const grants = new Grants();
  grants.add({
    principal: await present(secret),
    from: "10.0.0.1",
    reason: undefined,
    verb: "exec",
    request: requestFor({}),
    end: () => undefined,
  });
  authentication.configure(settingsOf({ ...ci, groups: ["night"] }), undefined);
  assert.equal(
    grants.renew((principal) => authentication.current(principal)),
    0,
  );
  const seen: (readonly string[])[] = [];
  grants.review(({ principal }) => void seen.push(principal.groups));
  assert.deepEqual(seen, [["night"]]);
});
