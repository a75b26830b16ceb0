import assert from "node:assert/strict";
import { test } from "node:test";
import { Authorizer } from "../../src/access/authorizer.ts";
import { Grants } from "../../src/access/grants.ts";
import { compilePolicy } from "../../src/access/policy/compile.ts";
import type { Verb } from "../../src/access/principal.ts";
import { FakeClock } from "../fixtures/clock.ts";
import { principalOf, requestFor } from "../fixtures/policy.ts";

const callerOf = (subject: string) => ({ principal: principalOf(subject), from: "10.0.0.1", reason: undefined });

/** A policy that binds alice for good and bob until `endsMs` from now, and what they have going on. */
function authorizing(endsMs: number) {
  const clock = new FakeClock();
  const grants = new Grants();
  const denied: string[] = [];
  const rule = { verbs: ["exec", "view"] as Verb[], targets: ["docker:*"], commands: "any" as const };
  const policy = compilePolicy({
    roles: { all: { allow: [rule] } },
    bindings: [
      { subjects: ["user:alice"], roles: ["all"], expiresAt: undefined },
      { subjects: ["user:bob"], roles: ["all"], expiresAt: clock.now() + endsMs },
    ],
  });
  const authorizer = new Authorizer({
    clock,
    grants,
    policy,
    onDenied: (caller, verb) => denied.push(`${caller.principal.subject} ${verb}`),
  });
  const ended: string[] = [];
  const goesOn = (subject: string, verb: Verb, owner = subject): void => {
    const request = requestFor({ principal: owner });
    grants.add({ ...callerOf(subject), verb, request, end: ({ code }) => ended.push(`${subject} ${verb} ${code}`) });
  };
  return { clock, grants, authorizer, denied, ended, goesOn };
}

test("what goes on by a binding ends when the binding does, and nothing else", () => {
  const { clock, grants, authorizer, ended, denied, goesOn } = authorizing(5000);
  goesOn("user:alice", "exec");
  goesOn("user:bob", "exec");
  goesOn("user:bob", "view", "user:alice");
  authorizer.reviewBindings();
  assert.deepEqual(ended, []);
  clock.wallMs += 5000;
  authorizer.reviewBindings();
  assert.deepEqual(ended, ["user:bob exec FORBIDDEN", "user:bob view FORBIDDEN"]);
  assert.deepEqual(denied, ["user:bob exec", "user:bob view"]);
  assert.equal(grants.size, 1);
  authorizer.reviewBindings();
  assert.equal(ended.length, 2);
});

test("a client on a session of its own is ended by the session, not by the rules for those of others", () => {
  const { authorizer, ended, goesOn } = authorizing(5000);
  goesOn("user:alice", "attach");
  assert.equal(authorizer.replacePolicy(compilePolicy({ roles: {}, bindings: [] })), 0);
  assert.deepEqual(ended, []);
});

test("another policy holds from the moment on that it is given", () => {
  const { authorizer, goesOn, ended } = authorizing(5000);
  const request = requestFor({ principal: "user:alice" });
  goesOn("user:alice", "exec");
  assert.equal(authorizer.authorizeExec(callerOf("user:alice"), request).permit.rule, "all.allow.0");
  assert.equal(authorizer.replacePolicy(compilePolicy({ roles: {}, bindings: [] })), 1);
  assert.deepEqual(ended, ["user:alice exec FORBIDDEN"]);
  assert.throws(() => authorizer.authorizeExec(callerOf("user:alice"), request), { code: "TARGET_NOT_FOUND" });
  assert.equal(authorizer.replacePolicy(undefined), 0);
  assert.equal(authorizer.authorizeExec(callerOf("user:alice"), request).permit.rule, null);
});
