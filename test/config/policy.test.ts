import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { principalOf, requestFor } from "../fixtures/policy.ts";

const dir = mkdtempSync(join(tmpdir(), "execgate-policy-"));
after(() => rmSync(dir, { recursive: true }));

function load(yaml: string) {
  const file = join(dir, "execgate.yaml");
  writeFileSync(file, yaml);
  return loadConfig({ argv: ["--config", file], env: {} });
}

const whole = `
policy:
  default: deny
  roles:
    prober:   { allow: [{ verbs: [exec], targets: ["docker:db"], modes: [sync], commands: [["pg_isready"], ["/probe.sh", "--quick"]], timeoutMsMax: 5000 }] }
    operator: { allow: [{ verbs: [exec, attach, view, kill], targets: ["kubernetes:prod/*/*", "docker:*"], commands: any, env: any, users: ["app"], record: strict, reasonRequired: true }],
                deny:  [{ targets: ["kubernetes:kube-system/**"] }] }
  bindings:
    - { subjects: ["group:probers"], roles: [prober] }
    - { subjects: ["user:alice@example.com"], roles: [operator], expires: 2027-01-01 }
`;

test("a whole section is read, with a day as the end of a binding", () => {
  const { policy } = load(whole);
  assert.ok(policy !== undefined);
  assert.equal(policy.nextExpiry(0), Date.UTC(2027, 0, 1));
  const request = requestFor({ command: ["pg_isready"] });
  assert.ok(policy.decide(principalOf("user:ci", "probers"), { verb: "exec", request, reason: undefined }, 0).isAllowed);
});

test("no section is no policy, an empty one allows nothing", () => {
  assert.equal(load("limits: {}").policy, undefined);
  assert.equal(load("policy: {}").policy?.isNear(principalOf("user:owner"), { id: "host", labels: {} }, 0), false);
});

/** A rule, binding or key in its place, and the message about it. */
const allow = (rule: string) => `policy: { roles: { r: { allow: [${rule}] } } }`;
const binding = (given: string) => `policy: { roles: { r: {} }, bindings: [${given}] }`;
const at = "policy.roles.r.allow.0";
const refused: readonly (readonly [string, string | RegExp])[] = [
  ["policy: yes", 'policy: expected a section, got "yes"'],
  ["policy:", "policy: expected a section, got null"],
  ["policy: { default: allow }", 'policy.default: expected one of deny, got "allow"'],
  ["policy: { rolls: {} }", "policy.rolls: unknown key"],
  ["policy: { roles: { r: { permit: [] } } }", "policy.roles.r.permit: unknown key"],
  ["policy: { roles: { a/b: { permit: [] } } }", "policy.roles.a/b.permit: unknown key"],
  [allow("{ verb: [exec], targets: [host], commands: any }"), `${at}.verb: unknown key`],
  [allow("{ targets: [host], commands: any }"), `${at}.verbs: missing`],
  [allow("{ verbs: [exec], commands: any }"), `${at}.targets: missing`],
  [allow("{ verbs: [exec], targets: [host] }"), `${at}.commands: missing; a rule that allows exec or attach says any, or lists commands`],
  [allow("{ verbs: [exec], targets: [], commands: any }"), `${at}.targets: expected a list, each a glob on target ids, got []`],
  [allow("{ verbs: [run], targets: [host] }"), `${at}.verbs.0: expected one of exec, attach, view, kill, got "run"`],
  [
    allow('{ verbs: [exec], targets: ["docker:[ab]"], commands: any }'),
    /^policy\.roles\.r\.allow\.0\.targets\.0: "docker:\[ab\]" holds "\["/,
  ],
  [allow('{ verbs: [exec], targets: [host, "a***"], commands: any }'), /^policy\.roles\.r\.allow\.0\.targets\.1: "a\*\*\*" holds \*\*\*/],
  ['policy: { roles: { r: { deny: [{ targets: ["{a,b}"] }] } } }', /^policy\.roles\.r\.deny\.0\.targets\.0: "\{a,b\}" holds "\{"/],
  [allow('{ verbs: [view], targets: [host], labels: { tier: "a|b" } }'), /^policy\.roles\.r\.allow\.0\.labels\.tier: "a\|b" holds "\|"/],
  [allow("{ verbs: [view], targets: [host], labels: { tier: 1 } }"), `${at}.labels.tier: expected a glob on a label's value, got 1`],
  [allow("{ verbs: [view], targets: [host], labels: {} }"), `${at}.labels: expected labels with globs on their values, got {}`],
  [allow("{ verbs: [exec], targets: [host], commands: all }"), `${at}.commands: expected any, or a list, each an argv, got "all"`],
  [allow("{ verbs: [exec], targets: [host], commands: [ls] }"), `${at}.commands.0: expected a list of arguments, got "ls"`],
  [allow("{ verbs: [exec], targets: [host], commands: [[1]] }"), `${at}.commands.0.0: expected an argument, got 1`],
  [allow("{ verbs: [view], targets: [host], modes: [async] }"), `${at}.modes.0: expected one of sync, interactive, got "async"`],
  [allow("{ verbs: [view], targets: [host], timeoutMsMax: 0 }"), `${at}.timeoutMsMax: expected a whole number from 1: milliseconds, got 0`],
  [allow("{ verbs: [view], targets: [host], reasonRequired: 1 }"), `${at}.reasonRequired: expected true or false, got 1`],
  [allow("{ verbs: [view], targets: [host], record: always }"), `${at}.record: expected one of off, bestEffort, strict, got "always"`],
  ["policy: { roles: { r: { deny: [{ env: any }] } } }", 'policy.roles.r.deny.0.env: expected a list, each a variable\'s name, got "any"'],
  [binding('{ subjects: ["user:a"], roles: [q] }'), 'policy.bindings.0.roles.0: there is no role "q"'],
  [binding('{ subjects: ["user:a"], roles: [toString] }'), 'policy.bindings.0.roles.0: there is no role "toString"'],
  [binding('{ subjects: ["user:a"] }'), "policy.bindings.0.roles: missing"],
  [
    binding("{ subjects: [alice], roles: [r] }"),
    'policy.bindings.0.subjects.0: expected user:NAME or group:NAME, written out, got "alice"',
  ],
  [binding('{ subjects: ["user:*"], roles: [r] }'), /^policy\.bindings\.0\.subjects\.0: expected user:NAME/],
  [
    binding('{ subjects: ["user:a"], roles: [r], expires: 2027-02-30 }'),
    /^policy\.bindings\.0\.expires: expected a day .*got "2027-02-30"$/,
  ],
  [binding('{ subjects: ["user:a"], roles: [r], expires: soon }'), /^policy\.bindings\.0\.expires: expected a day .*got "soon"$/],
  [
    binding('{ subjects: ["user:a"], roles: [r], expires: 2027 }'),
    "policy.bindings.0.expires: expected a day such as 2027-06-01, got 2027",
  ],
  [binding('{ subjects: ["user:a"], roles: [r], until: 2027-01-01 }'), "policy.bindings.0.until: unknown key"],
];

for (const [yaml, message] of refused) {
  test(`refused: ${yaml}`, () => {
    assert.throws(() => load(yaml), { name: "ConfigError", message });
  });
}
