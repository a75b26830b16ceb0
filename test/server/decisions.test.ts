import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { digestOf } from "../../src/access/static-tokens.ts";
import { makeAuthority, makeLeaf } from "../fixtures/certificates.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { audience, type Issuer, openIssuer } from "../fixtures/issuer.ts";
import { execWays, type Presented, refusedWays, send, sessionWays, type Verdict, type WantedExec } from "../fixtures/ways.ts";

const any = { verbs: ["exec", "attach", "view", "kill"], targets: ["host"], commands: "any" };
const roles = {
  full: { allow: [any] },
  exact: { allow: [{ verbs: ["exec"], targets: ["h?st"], commands: [["/bin/true"]], timeoutMsMax: 5000 }] },
  denied: { allow: [any], deny: [{ commands: [["/bin/false"]] }, { env: ["A"] }] },
  watching: { allow: [{ verbs: ["view"], targets: ["host"] }] },
  reasoned: { allow: [{ ...any, reasonRequired: true }] },
};
const bindings = [
  { subjects: ["user:full"], roles: ["full"] },
  { subjects: ["group:admins"], roles: ["full"] },
  { subjects: ["group:probers", "user:robot"], roles: ["exact"] },
  { subjects: ["user:dora@example.com"], roles: ["denied"] },
  { subjects: ["user:watching"], roles: ["watching"] },
  { subjects: ["user:reasoned"], roles: ["reasoned"] },
  { subjects: ["user:ended"], roles: ["full"], expires: "2020-01-01" },
];

const plain: WantedExec = { target: "host", command: ["/bin/true"], timeoutMs: 1000 };
const requests: Readonly<Record<string, WantedExec>> = {
  plain,
  otherCommand: { ...plain, command: ["/bin/false"] },
  terminal: { ...plain, tty: true },
  env: { ...plain, env: { A: "1" } },
  noTimeout: { ...plain, timeoutMs: 0 },
  missing: { ...plain, target: "docker:web" },
};

type ExecVerdicts = Readonly<Record<keyof typeof requests, Verdict>>;
type SessionVerdicts = Readonly<Record<keyof typeof sessionWays, Verdict>>;

const everywhere = <K extends string>(names: readonly K[], verdict: Verdict) =>
  Object.fromEntries(names.map((name) => [name, verdict])) as Record<K, Verdict>;
const everyRequest = (verdict: Verdict) => everywhere(Object.keys(requests), verdict);
const [noTarget, noSession, forbidden] = ["404 TARGET_NOT_FOUND", "404 SESSION_NOT_FOUND", "403 FORBIDDEN"];

/** What each right gives, by whatever way it is used. */
const rights: Readonly<Record<string, readonly [ExecVerdicts, SessionVerdicts]>> = {
  unknown: [everyRequest("401 UNAUTHENTICATED"), everywhere(["view", "attach", "kill"], "401 UNAUTHENTICATED")],
  nothing: [everyRequest(noTarget), everywhere(["view", "attach", "kill"], noSession)],
  full: [{ ...everyRequest("ran"), missing: noTarget }, everywhere(["view", "attach", "kill"], "ran")],
  exact: [
    {
      plain: "ran",
      terminal: "ran",
      otherCommand: `${forbidden} command`,
      env: `${forbidden} env.A`,
      noTimeout: `${forbidden} timeoutMs`,
      missing: noTarget,
    },
    everywhere(["view", "attach", "kill"], noSession),
  ],
  denied: [
    { plain: "ran", terminal: "ran", otherCommand: forbidden, env: forbidden, noTimeout: "ran", missing: noTarget },
    everywhere(["view", "attach", "kill"], "ran"),
  ],
  watching: [
    { ...everyRequest(forbidden), missing: noTarget },
    { view: "ran", attach: forbidden, kill: forbidden },
  ],
  reasoned: [
    { ...everyRequest(`${forbidden} reason`), missing: noTarget },
    { view: "ran", attach: `${forbidden} reason`, kill: `${forbidden} reason` },
  ],
};

interface Setting {
  readonly served: TestGateway;
  readonly issuer: Issuer;
  readonly certificate: Presented;
}

const bearer = (token: string): Presented => ({ headers: { authorization: `Bearer ${token}` } });
const secretOf = (id: string): string => `execgate_the-secret-of-${id}`;
const header = "x-signed-identity";

/** Who comes, what they present, and which right is theirs. */
const kinds: readonly (readonly [string, (setting: Setting) => Presented | Promise<Presented>, keyof typeof rights])[] = [
  ["nobody", () => ({}), "unknown"],
  ["a token that is not known", () => bearer(secretOf("stranger")), "unknown"],
  ["a token that has expired", () => bearer(secretOf("expired")), "unknown"],
  ["a JWT for somebody else", async ({ issuer }) => bearer(await issuer.sign({ aud: "other" })), "unknown"],
  ["the owner, to whom nothing is bound", () => bearer(testToken), "nothing"],
  ["a token whose binding has ended", () => bearer(secretOf("ended")), "nothing"],
  ["a token bound by its name", () => bearer(secretOf("full")), "full"],
  ["a token bound by its group", () => bearer(secretOf("probe")), "exact"],
  ["a JWT bound by a group of its claims", async ({ issuer }) => bearer(await issuer.sign({ sub: "ann", groups: ["admins"] })), "full"],
  ["a JWT in the header of a proxy", async ({ issuer }) => ({ headers: { [header]: await issuer.sign({ sub: "robot" }) } }), "exact"],
  ["a client certificate that a rule denies something", ({ certificate }) => certificate, "denied"],
  ["a token that may watch", () => bearer(secretOf("watching")), "watching"],
  ["a token that must give a reason, and does not", () => bearer(secretOf("reasoned")), "reasoned"],
];

async function openSetting(dir: string): Promise<Setting> {
  const issuer = await openIssuer();
  const authority = await makeAuthority("clients");
  const server = await makeLeaf(await makeAuthority("servers"), { use: "serverAuth", names: [{ type: 7, ip: "127.0.0.1" }] });
  const tls = { certFile: join(dir, "tls.crt"), keyFile: join(dir, "tls.key"), clientCaFile: join(dir, "ca.crt") };
  await writeFile(tls.certFile, server.cert);
  await writeFile(tls.keyFile, server.key);
  await writeFile(tls.clientCaFile, authority.cert);
  const token = (id: string, more = {}) => ({ id, sha256: digestOf(secretOf(id)), ...more });
  const tokens = [
    ...["full", "watching", "reasoned", "ended"].map((id) => token(id)),
    token("probe", { groups: ["probers"] }),
    token("expired", { groups: ["admins"], expires: "2020-01-01" }),
  ];
  const jwt = [{ issuer: issuer.url, audience, jwksUrl: issuer.jwksUrl, algorithms: ["ES256"], groupsClaim: "groups", header }];
  const settings = { tls, auth: { tokens, jwt }, behindProxy: true, policy: { roles, bindings } };
  const served = await openGateway(settings, { listen: ["https://127.0.0.1:0"] });
  const certificate = await makeLeaf(authority, { names: [{ type: 1, value: "dora@example.com" }] });
  return { served, issuer, certificate };
}

describe("one decision by every way in", () => {
  let dir: string;
  let setting: Setting;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "execgate-decisions-"));
    setting = await openSetting(dir);
  });
  after(async () => {
    await setting.served[Symbol.asyncDispose]();
    await setting.issuer[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  const startedSoFar = async (): Promise<number> => {
    const { text } = await send(setting.served.url, bearer(secretOf("full")), "GET", "/metrics");
    return Number(/^execgate_exec_start_seconds_count\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };

  for (const [kind, present, right] of kinds) {
    test(`${kind}: exec`, async () => {
      const presented = await present(setting);
      const [expected] = rights[right] ?? assert.fail();
      const before = await startedSoFar();
      let ran = 0;
      for (const [name, wanted] of Object.entries(requests)) {
        for (const [way, decide] of Object.entries(execWays)) {
          const verdict = await decide(setting.served.url, presented, wanted);
          assert.equal(verdict, expected[name], `${name} by ${way}`);
          if (verdict === "ran") ran++;
        }
        for (const [way, decide] of Object.entries(refusedWays)) {
          assert.equal(await decide(setting.served.url, presented, wanted), expected[name], `${name} by ${way}`);
        }
      }
      assert.equal((await startedSoFar()) - before, ran, "what was refused started nothing");
    });

    test(`${kind}: the session of somebody`, async () => {
      const presented = await present(setting);
      const [, expected] = rights[right] ?? assert.fail();
      const wanted = { command: ["cat"], stdin: true, keepMs: 60_000 };
      const created = await send(setting.served.url, bearer(secretOf("full")), "POST", "/v1/sessions", wanted);
      const { id } = created.json as { id: string };
      const before = await startedSoFar();
      for (const verb of ["view", "attach", "kill"] as const) {
        for (const [way, decide] of Object.entries(sessionWays[verb])) {
          assert.equal(await decide(setting.served.url, presented, id), expected[verb], `${verb} by ${way}`);
        }
      }
      const { state } = (await send(setting.served.url, bearer(secretOf("full")), "GET", `/v1/sessions/${id}`)).json as { state: string };
      assert.equal(state, expected.kill === "ran" ? "ended" : "running");
      assert.equal(await startedSoFar(), before);
      await send(setting.served.url, bearer(secretOf("full")), "DELETE", `/v1/sessions/${id}`);
    });
  }
});
