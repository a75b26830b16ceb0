import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePolicy } from "../../../src/access/policy/compile.ts";
import type { AllowDocument, BindingDocument, DenyDocument, PolicyDocument } from "../../../src/access/policy/document.ts";
import type { Principal, Verb } from "../../../src/access/principal.ts";
import type { Labels } from "../../../src/exec/runtime.ts";
import { principalOf, type RequestWishes, requestFor } from "../../fixtures/policy.ts";

const now = Date.UTC(2026, 5, 1);
const alice = principalOf("user:alice");

interface Wishes extends RequestWishes {
  readonly verb?: Verb;
  readonly principal?: string;
}

/** What a policy of one role, bound to alice, says to a request. */
function ask(rules: { allow?: AllowDocument[]; deny?: DenyDocument[] }, { verb = "exec", ...wishes }: Wishes = {}, who: Principal = alice) {
  const bindings = [{ subjects: ["user:alice"], roles: ["role"], expiresAt: undefined }];
  const request = requestFor(wishes);
  const decision = compilePolicy({ roles: { role: rules }, bindings }).decide(who, { verb, request, reason: request.reason }, now);
  if (decision.isAllowed) return "allowed";
  const { code, details } = decision.refusal;
  return details.field === undefined ? code : `${code} ${details.field}`;
}

const any: AllowDocument = { verbs: ["exec"], targets: ["docker:*"], commands: "any" };

test("what no rule allows is refused: another target as if it were not there, another verb in so many words", () => {
  assert.equal(ask({ allow: [any] }), "allowed");
  assert.equal(ask({}), "TARGET_NOT_FOUND");
  assert.equal(ask({ allow: [any] }, { target: "host" }), "TARGET_NOT_FOUND");
  assert.equal(ask({ allow: [any] }, {}, principalOf("user:bob")), "TARGET_NOT_FOUND");
  assert.equal(ask({ allow: [{ ...any, verbs: ["view"] }] }), "FORBIDDEN");
  assert.equal(ask({ allow: [any] }, { verb: "kill" }), "FORBIDDEN");
});

test("a command is the exact argv", () => {
  const commands = [["pg_isready"], ["/probe.sh", "--quick"], []];
  const says = (...command: string[]) => ask({ allow: [{ ...any, commands }] }, { command });
  assert.equal(says("pg_isready"), "allowed");
  assert.equal(says("/probe.sh", "--quick"), "allowed");
  assert.equal(says(), "allowed", "the login shell is written []");
  for (const command of [
    ["pg_isready", ""],
    ["pg_isready", "-h", "x"],
    ["/probe.sh"],
    ["/probe.sh --quick"],
    ["/usr/bin/pg_isready"],
    ["sh"],
    ["/probe.sh", "--quick", "--quick"],
  ]) {
    assert.equal(says(...command), "FORBIDDEN command", command.join(" "));
  }
});

test("env names: none with exact commands, any with any, else those of the list", () => {
  const exact = { ...any, commands: [["true"]] };
  const env = { LANG: "C", LD_PRELOAD: "x" };
  assert.equal(ask({ allow: [exact] }, { env }), "FORBIDDEN env.LANG");
  assert.equal(ask({ allow: [any] }, { env }), "allowed");
  assert.equal(ask({ allow: [{ ...exact, env: "any" }] }, { env }), "allowed");
  assert.equal(ask({ allow: [{ ...exact, env: ["LANG"] }] }, { env: { LANG: "C" } }), "allowed");
  for (const rule of [exact, any]) {
    assert.equal(ask({ allow: [{ ...rule, env: ["LANG"] }] }, { env }), "FORBIDDEN env.LD_PRELOAD");
    assert.equal(ask({ allow: [{ ...rule, env: [] }] }, { env: { LANG: "C" } }), "FORBIDDEN env.LANG");
  }
});

test("the usual TERM of a terminal is set by nobody", () => {
  const exact = { allow: [{ ...any, commands: [["true"]] }], deny: [{ env: ["TERM"] }] };
  const tty = { cols: 80, rows: 24 };
  for (const TERM of ["xterm", "xterm-256color"]) assert.equal(ask(exact, { env: { TERM }, tty }), "allowed");
  assert.equal(ask(exact, { env: { TERM: "vt100" }, tty }), "FORBIDDEN");
  assert.equal(ask(exact, { env: { TERM: "xterm" } }), "FORBIDDEN");
});

test("users: none may be named unless the rule lists them; who names none is the target's own", () => {
  assert.equal(ask({ allow: [any] }, { user: "app" }), "FORBIDDEN user");
  const some = { ...any, users: ["app"] };
  assert.equal(ask({ allow: [some] }, { user: "app" }), "allowed");
  assert.equal(ask({ allow: [some] }), "allowed");
  assert.equal(ask({ allow: [some] }, { user: "root" }), "FORBIDDEN user");
  assert.equal(ask({ allow: [{ ...any, users: "any" }] }, { user: "root" }), "allowed");
});

test("modes and the longest time hold", () => {
  const sync: AllowDocument = { ...any, modes: ["sync"], timeoutMsMax: 5000 };
  assert.equal(ask({ allow: [sync] }, { timeoutMs: 5000 }), "allowed");
  assert.equal(ask({ allow: [sync] }, { timeoutMs: 5001 }), "FORBIDDEN timeoutMs");
  assert.equal(ask({ allow: [sync] }, { timeoutMs: 0 }), "FORBIDDEN timeoutMs");
  assert.equal(ask({ allow: [sync] }, { mode: "interactive", timeoutMs: 1 }), "FORBIDDEN");
  assert.equal(ask({ allow: [any] }, { timeoutMs: 0 }), "allowed");
});

test("a reason is wanted for what is done, and not for looking", () => {
  const rule: AllowDocument = { ...any, verbs: ["exec", "attach", "view", "kill"], reasonRequired: true };
  for (const verb of ["exec", "attach", "kill"] as const) {
    assert.equal(ask({ allow: [rule] }, { verb }), "FORBIDDEN reason");
    assert.equal(ask({ allow: [rule] }, { verb, reason: "ticket 42" }), "allowed");
  }
  assert.equal(ask({ allow: [rule] }, { verb: "view" }), "allowed");
});

test("a rule is about the runs that it could start: who may run one command does not join another", () => {
  const rule: AllowDocument = { verbs: ["exec", "attach", "view", "kill"], targets: ["docker:*"], commands: [["true"]], users: ["app"] };
  for (const verb of ["attach", "view", "kill"] as const) {
    assert.equal(ask({ allow: [rule] }, { verb }), "allowed");
    assert.equal(ask({ allow: [rule] }, { verb, command: ["bash"] }), "FORBIDDEN");
    assert.equal(ask({ allow: [rule] }, { verb, user: "root" }), "FORBIDDEN");
    assert.equal(ask({ allow: [{ ...rule, timeoutMsMax: 1, env: [] }] }, { verb, timeoutMs: 0, env: { A: "1" } }), "allowed");
  }
});

test("without a list of users, runs as a named one can be looked at and ended, not joined", () => {
  const rule: AllowDocument = { ...any, verbs: ["exec", "attach", "view", "kill"] };
  const says = (verb: Verb) => ask({ allow: [rule] }, { verb, user: "root" });
  assert.deepEqual([says("view"), says("kill")], ["allowed", "allowed"]);
  assert.deepEqual([says("attach"), says("exec")], ["FORBIDDEN", "FORBIDDEN user"]);
});

test("deny beats allow, wherever it stands, for what all its keys say", () => {
  const allow = [{ ...any, users: "any" as const }];
  const denies = (deny: DenyDocument, wishes: Wishes) => ask({ allow, deny: [deny] }, wishes) !== "allowed";
  assert.ok(denies({ targets: ["docker:d*"] }, {}));
  assert.ok(!denies({ targets: ["docker:w*"] }, {}));
  assert.ok(denies({ commands: [["true"]] }, {}) && !denies({ commands: [["false"]] }, {}));
  assert.ok(
    denies({ users: ["root"] }, { user: "root" }) && !denies({ users: ["root"] }, { user: "app" }) && !denies({ users: ["root"] }, {}),
  );
  for (const user of ["0", "1000", "root:app", "app:0"]) assert.ok(denies({ users: ["root"] }, { user }), `${user} may be root`);
  assert.ok(denies({ env: ["A"] }, { env: { A: "1", B: "2" } }) && !denies({ env: ["A"] }, { env: { B: "2" } }));
  assert.ok(denies({ modes: ["sync"] }, {}) && !denies({ modes: ["sync"] }, { mode: "interactive" }));
  assert.ok(denies({ verbs: ["exec"] }, {}) && !denies({ verbs: ["kill"] }, {}));
  assert.ok(!denies({ verbs: ["exec"], targets: ["docker:*"], users: ["root"], env: ["A"] }, { user: "root" }));
});

test("a rule with labels is about the targets that have them all, with values that match", () => {
  const labels = { tier: "front-*", team: "shop" };
  const allows = (has: Labels | undefined) => ask({ allow: [{ ...any, labels }] }, { labels: has });
  assert.equal(allows({ tier: "front-1", team: "shop", other: "x" }), "allowed");
  for (const has of [{}, { tier: "front-1" }, { tier: "back", team: "shop" }, { tier: "front-a/b", team: "shop" }]) {
    assert.equal(allows(has), "TARGET_NOT_FOUND", JSON.stringify(has));
  }
  const denies = (has: Labels | undefined) => ask({ allow: [any], deny: [{ labels: { tier: "**" } }] }, { labels: has });
  assert.deepEqual([denies({ tier: "" }), denies({ tier: "a/b" }), denies({})], ["TARGET_NOT_FOUND", "TARGET_NOT_FOUND", "allowed"]);
  assert.equal(ask({ allow: [{ ...any, labels: { toString: "**" } }] }), "TARGET_NOT_FOUND", "what every object has is no label");
  // Where they are not known, neither is anybody let in by them nor is a denial passed by.
  assert.deepEqual([allows(undefined), denies(undefined)], ["TARGET_NOT_FOUND", "TARGET_NOT_FOUND"]);
});

const bindingOf = (subjects: string[], roles: string[], expiresAt?: number): BindingDocument => ({ subjects, roles, expiresAt });

test("what was decided for a target does not hold for it with other labels", () => {
  const document = { roles: { role: { allow: [{ ...any, labels: { tier: "a" } }] } }, bindings: [bindingOf(["user:alice"], ["role"])] };
  const policy = compilePolicy(document);
  const near = ["a", "b", "a"].map((tier) => policy.isNear(alice, { id: "docker:web", labels: { tier } }, now));
  assert.deepEqual(near, [true, false, true]);
});

test("a target that is denied whole is not there; one that is denied in part is", () => {
  assert.equal(ask({ allow: [any], deny: [{ targets: ["docker:*"] }] }), "TARGET_NOT_FOUND");
  assert.equal(ask({ allow: [any], deny: [{ commands: [["true"]] }] }), "FORBIDDEN");
  assert.equal(ask({ allow: [{ ...any, verbs: ["exec", "view"] }], deny: [{ verbs: ["exec"] }] }), "FORBIDDEN");
});

test("roles are bound to users and to groups, until the binding ends", () => {
  const document: PolicyDocument = {
    roles: {
      runs: { allow: [any] },
      sees: { allow: [{ verbs: ["view"], targets: ["host"] }] },
      never: { deny: [{ targets: ["docker:db"] }] },
    },
    bindings: [
      bindingOf(["group:ops", "user:bob"], ["runs"]),
      bindingOf(["user:eve"], ["runs", "sees"], now),
      bindingOf(["group:new"], ["never"]),
    ],
  };
  const policy = compilePolicy(document);
  const isAllowed = (who: Principal, at = now) =>
    policy.decide(who, { verb: "exec", request: requestFor({}), reason: undefined }, at).isAllowed;
  assert.ok(isAllowed(principalOf("user:bob")));
  assert.ok(isAllowed(principalOf("user:x", "dev", "ops")));
  assert.ok(!isAllowed(principalOf("user:ops")), "a user is no group of its name");
  assert.ok(!isAllowed(principalOf("group:ops")) || !isAllowed(principalOf("user:y", "bob")), "a group is no user of its name");
  assert.ok(!isAllowed(principalOf("user:x", "ops", "new")), "a deny of one role beats the allow of another");
  assert.ok(isAllowed(principalOf("user:eve"), now - 1) && !isAllowed(principalOf("user:eve"), now));
  assert.deepEqual([policy.nextExpiry(now - 1), policy.nextExpiry(now)], [now, undefined]);
  assert.deepEqual(
    ["host", "docker:db", "edge"].map((id) => policy.isNear(principalOf("user:eve"), { id, labels: {} }, now - 1)),
    [true, true, false],
  );
});

test("the widest limit of all that allow holds, and recording is asked for only where all of them ask", () => {
  const permitOf = (...allow: AllowDocument[]) => {
    const policy = compilePolicy({ roles: { role: { allow } }, bindings: [bindingOf(["user:alice"], ["role"])] });
    const decision = policy.decide(alice, { verb: "exec", request: requestFor({}), reason: undefined }, now);
    assert.ok(decision.isAllowed);
    return decision.permit;
  };
  const narrow: AllowDocument = { ...any, record: "strict", sessionsPerPrincipalMax: 2, execsPerMinutePerPrincipal: 3 };
  const wide: AllowDocument = { ...any, record: "bestEffort", sessionsPerPrincipalMax: 5, execsPerMinutePerPrincipal: 1 };
  const terms = { rule: "role.allow.0", record: "strict", sessionsPerPrincipalMax: 2, execsPerMinutePerPrincipal: 3 };
  assert.deepEqual(permitOf(narrow), terms);
  assert.deepEqual(permitOf(narrow, wide), { ...terms, record: "bestEffort", sessionsPerPrincipalMax: 5 });
  assert.deepEqual(permitOf(narrow, any), {
    ...terms,
    record: "off",
    sessionsPerPrincipalMax: undefined,
    execsPerMinutePerPrincipal: undefined,
  });
});
