import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compilePolicy } from "../../../src/access/policy/compile.ts";
import type { AllowDocument, DenyDocument, PolicyDocument, RoleDocument } from "../../../src/access/policy/document.ts";
import type { Verb } from "../../../src/access/principal.ts";
import { principalOf, requestFor } from "../../fixtures/policy.ts";

/** Few names, so that rules and requests meet. */
const verb = fc.constantFrom<Verb[]>("exec", "attach", "view", "kill");
const user = fc.constantFrom("app", "root");
const command = fc.constantFrom<string[][]>(["a"], ["a", "b"], []);
const target = fc.constantFrom("host", "docker:web", "kubernetes:a/b", "kubernetes:a/b/c");
const glob = fc.constantFrom("host", "docker:*", "*", "**", "kubernetes:a/*", "kubernetes:**", "kubernetes:a/?/c");
const label = fc.constantFrom("tier", "team");
const labels = fc.dictionary(label, fc.constantFrom("a", "a/b", "c"), { maxKeys: 2 });
const labelGlobs = fc.dictionary(label, fc.constantFrom("a", "*", "**", "a/?"), { minKeys: 1, maxKeys: 2 });
const mode = fc.constantFrom("sync" as const, "interactive" as const);
const name = fc.constantFrom("A", "B");
const list = <T>(item: fc.Arbitrary<T>) => fc.uniqueArray(item, { minLength: 1, maxLength: 3 });
const runs = { commands: fc.oneof(fc.constant("any" as const), fc.array(command, { maxLength: 2 })), modes: list(mode) };

const allowRule: fc.Arbitrary<AllowDocument> = fc.record(
  {
    ...runs,
    verbs: list(verb),
    targets: list(glob),
    labels: labelGlobs,
    users: fc.oneof(fc.constant("any" as const), list(user)),
    env: fc.oneof(fc.constant("any" as const), list(name)),
    timeoutMsMax: fc.constantFrom(1, 1000),
    reasonRequired: fc.boolean(),
  },
  { requiredKeys: ["verbs", "targets", "commands"] },
);
const denyRule: fc.Arbitrary<DenyDocument> = fc.record(
  { ...runs, verbs: list(verb), targets: list(glob), labels: labelGlobs, users: list(user), env: list(name) },
  { requiredKeys: [] },
);
const role: fc.Arbitrary<RoleDocument> = fc.record({
  allow: fc.array(allowRule, { maxLength: 3 }),
  deny: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(denyRule, { maxLength: 2 }) }),
});
const subject = fc.constantFrom("user:x", "user:y", "group:g", "group:h");
const document: fc.Arbitrary<PolicyDocument> = fc.record({
  roles: fc.record({ one: role, two: role }),
  bindings: fc.array(
    fc.record({ subjects: list(subject), roles: list(fc.constantFrom("one", "two")), expiresAt: fc.constantFrom(undefined, 1, 3) }),
    { maxLength: 4 },
  ),
});
const question = fc.record({
  who: fc.constantFrom(principalOf("user:x"), principalOf("user:x", "g"), principalOf("user:y", "g", "h")),
  verb,
  reason: fc.constantFrom(undefined, "why"),
  request: fc
    .record(
      {
        target,
        labels,
        command,
        mode,
        user,
        env: fc.dictionary(name, fc.constant("1"), { maxKeys: 2 }),
        timeoutMs: fc.constantFrom(0, 1, 1001),
      },
      { requiredKeys: ["target", "command", "mode", "env", "timeoutMs"] },
    )
    .map(requestFor),
});
type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;
const now = 2;

function decide(policy: PolicyDocument, { who, verb, request, reason }: Question) {
  return compilePolicy(policy).decide(who, { verb, request, reason }, now);
}

/** What a decision lets happen: 0 nothing and unseen, 1 refused in words, 2 allowed. */
function width(policy: PolicyDocument, asked: Question): number {
  const decision = decide(policy, asked);
  return decision.isAllowed ? 2 : decision.refusal.code === "FORBIDDEN" ? 1 : 0;
}

/** Every document with one rule of a kind left out. */
function* without(kind: "allow" | "deny", { roles, bindings }: PolicyDocument): Iterable<PolicyDocument> {
  for (const [name, role] of Object.entries(roles)) {
    const rules = role[kind] ?? [];
    for (const i of rules.keys()) yield { bindings, roles: { ...roles, [name]: { ...role, [kind]: rules.toSpliced(i, 1) } } };
  }
}

const runsOf = { numRuns: 3000 };

test("to remove an allow never widens", () => {
  fc.assert(
    fc.property(document, question, (policy, asked) => {
      for (const narrower of without("allow", policy)) assert.ok(width(narrower, asked) <= width(policy, asked));
    }),
    runsOf,
  );
});

test("to add a deny never widens", () => {
  fc.assert(
    fc.property(document, question, (policy, asked) => {
      for (const wider of without("deny", policy)) assert.ok(width(policy, asked) <= width(wider, asked));
    }),
    runsOf,
  );
});

test("to remove a binding of roles that deny nothing never widens", () => {
  fc.assert(
    fc.property(document, question, (policy, asked) => {
      const roles = Object.fromEntries(Object.entries(policy.roles).map(([name, { allow = [] }]) => [name, { allow }]));
      for (const i of policy.bindings.keys()) {
        const fewer = { roles, bindings: policy.bindings.toSpliced(i, 1) };
        assert.ok(width(fewer, asked) <= width({ ...policy, roles }, asked));
      }
    }),
    runsOf,
  );
});

test("order does not matter: neither of rules, nor of bindings, subjects, groups or roles", () => {
  fc.assert(
    fc.property(document, question, (policy, asked) => {
      const turned: PolicyDocument = {
        roles: Object.fromEntries(
          Object.entries(policy.roles)
            .toReversed()
            .map(([name, { allow = [], deny = [] }]) => [name, { allow: allow.toReversed(), deny: deny.toReversed() }]),
        ),
        bindings: policy.bindings
          .toReversed()
          .map((binding) => ({ ...binding, subjects: binding.subjects.toReversed(), roles: binding.roles.toReversed() })),
      };
      const { who } = asked;
      const [first, second] = [decide(policy, asked), decide(turned, { ...asked, who: { ...who, groups: who.groups.toReversed() } })];
      assert.equal(first.isAllowed, second.isAllowed);
      if (first.isAllowed || second.isAllowed) return;
      assert.deepEqual(
        [first.refusal.code, first.refusal.message, first.condition],
        [second.refusal.code, second.refusal.message, second.condition],
      );
    }),
    runsOf,
  );
});

test("labels that are not known never widen", () => {
  fc.assert(
    fc.property(document, question, (policy, asked) => {
      const { request } = asked;
      const unknown = { ...asked, request: { ...request, target: { ...request.target, labels: undefined } } };
      assert.ok(width(policy, unknown) <= width(policy, asked));
    }),
    runsOf,
  );
});

test("what is allowed is near, and what is not near is refused like what is not there", () => {
  fc.assert(
    fc.property(document, question, (policy, asked) => {
      const decision = decide(policy, asked);
      const isNear = compilePolicy(policy).isNear(asked.who, asked.request.target, now);
      if (decision.isAllowed) assert.ok(isNear);
      else assert.equal(decision.refusal.code === "TARGET_NOT_FOUND", !isNear);
    }),
    runsOf,
  );
});
