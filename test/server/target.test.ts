import assert from "node:assert/strict";
import { test } from "node:test";
import { noAudit } from "../../src/access/audit/audit.ts";
import { Authorizer } from "../../src/access/authorizer.ts";
import { Grants } from "../../src/access/grants.ts";
import { compilePolicy } from "../../src/access/policy/compile.ts";
import { ExecgateError } from "../../src/errors.ts";
import type { Runtime, Target } from "../../src/exec/runtime.ts";
import { findContainer, findTarget } from "../../src/server/target.ts";
import { FakeClock } from "../fixtures/clock.ts";
import { principalOf } from "../fixtures/policy.ts";
import { ScriptedRuntime } from "../fixtures/scripted-runtime.ts";

const clock = new FakeClock();

/** A runtime of containers: one runs, one has stopped, two begin alike, and one makes it fail. */
class Containers extends ScriptedRuntime {
  override async resolve(id: string): Promise<Target> {
    if (id === "docker:web" || id === "docker:3fa9") return { ...this.target, id: "docker:web", name: "web" };
    if (id === "docker:shop/web/side") return { ...this.target, id, name: "shop/web/side" };
    if (id === "docker:old") throw new ExecgateError("TARGET_NOT_RUNNING", "It has exited.", { state: "exited" });
    if (id === "docker:web-7f") return { ...this.target, id: "docker:vault", name: "vault" };
    if (id === "docker:a") throw new ExecgateError("TARGET_AMBIGUOUS", "It could be a1 or a2.");
    if (id === "docker:x") throw new Error("the daemon said something odd");
    throw new ExecgateError("TARGET_NOT_FOUND", "No such container, says docker.");
  }
}

const runtimes = new Map<string, Runtime>([["docker", new Containers(clock)]]);
const bound = (subject: string, glob: string) => ({ subject, glob });
const [near, some, far] = [bound("user:near", "docker:*"), bound("user:some", "docker:web*"), bound("user:far", "host")];
const all = [near, some, far, bound("user:near-pods", "docker:**")];
const policy = compilePolicy({
  roles: Object.fromEntries(all.map(({ subject, glob }) => [subject, { allow: [{ verbs: ["view"], targets: [glob] }] }])),
  bindings: all.map(({ subject }) => ({ subjects: [subject], roles: [subject], expiresAt: undefined })),
});
const authorizer = new Authorizer({ clock, grants: new Grants(), policy, onDenied: () => assert.fail("nothing was asked") });

async function answer(subject: string, id: string, container?: string): Promise<unknown> {
  const caller = { principal: principalOf(subject), from: "10.0.0.1", reason: undefined };
  const deps = { runtimes, authorizer, audit: noAudit };
  try {
    return (container === undefined ? await findTarget(id, caller, deps) : await findContainer(id, container, caller, deps)).id;
  } catch (cause) {
    return cause instanceof ExecgateError ? { code: cause.code, message: cause.message, details: cause.details } : cause;
  }
}

test("whoever is near a target is told how it is with it", async () => {
  assert.equal(await answer(near.subject, "docker:web"), "docker:web");
  assert.equal(await answer(near.subject, "docker:3fa9"), "docker:web");
  const codeOf = async (id: string) => ((await answer(near.subject, id)) as { code: string }).code;
  assert.deepEqual(await Promise.all(["docker:old", "docker:a", "docker:no"].map(codeOf)), [
    "TARGET_NOT_RUNNING",
    "TARGET_AMBIGUOUS",
    "TARGET_NOT_FOUND",
  ]);
});

test("a name that leads to what one is not near is one that leads nowhere", async () => {
  const expected = (id: string) => ({ code: "TARGET_NOT_FOUND", message: `There is no target ${JSON.stringify(id)}.`, details: {} });
  for (const id of ["docker:web-7f", "docker:web-8"]) assert.deepEqual(await answer(some.subject, id), expected(id));
  assert.equal(await answer(near.subject, "docker:web-7f"), "docker:vault");
});

test("whoever is not hears of every target, there or not, stopped, ambiguous or failing, the same", async () => {
  for (const id of ["docker:web", "docker:3fa9", "docker:old", "docker:a", "docker:x", "docker:no", "edge:web"]) {
    const expected = { code: "TARGET_NOT_FOUND", message: `There is no target ${JSON.stringify(id)}.`, details: {} };
    assert.deepEqual(await answer(far.subject, id), expected, id);
  }
});

test("a container that is named is the one of the pod, or the target itself, and no other", async () => {
  const named = (id: string, container: string) => answer("user:near-pods", id, container);
  assert.equal(await named("docker:shop/web", "side"), "docker:shop/web/side");
  assert.equal(await named("docker:shop/web/side", "side"), "docker:shop/web/side");
  assert.equal(await named("docker:3fa9", "web"), "docker:web");
  const refusal = (await named("docker:shop/web/side", "app")) as { code: string; details: object };
  assert.deepEqual([refusal.code, refusal.details], ["BAD_REQUEST", { field: "container" }]);
  assert.equal(((await named("docker:web", "app")) as { code: string }).code, "BAD_REQUEST");
  assert.equal(((await named("docker:shop/web", "app")) as { code: string }).code, "TARGET_NOT_FOUND");
  assert.equal(((await answer(far.subject, "docker:web", "app")) as { code: string }).code, "TARGET_NOT_FOUND");
});
