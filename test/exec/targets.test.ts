import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ExecgateError } from "../../src/errors.ts";
import type { Target } from "../../src/exec/runtime.ts";
import { listTargets, resolveTarget } from "../../src/exec/targets.ts";
import { FakeClock } from "../fixtures/clock.ts";
import { ScriptedRuntime } from "../fixtures/scripted-runtime.ts";

const clock = new FakeClock();

/** A runtime that resolves whatever it is asked for, and says what that was. */
class EchoRuntime extends ScriptedRuntime {
  override async resolve(id: string): Promise<Target> {
    return { ...this.target, id, immutableId: `resolved ${id}` };
  }
}

class DeadRuntime extends ScriptedRuntime {
  override async targets(): Promise<readonly Target[]> {
    throw new ExecgateError("RUNTIME_UNAVAILABLE", "Nobody answers.");
  }

  override async resolve(): Promise<Target> {
    throw new ExecgateError("RUNTIME_UNAVAILABLE", "Nobody answers.");
  }
}

class HangingRuntime extends ScriptedRuntime {
  override targets(): Promise<readonly Target[]> {
    return new Promise(() => undefined);
  }
}

const runtimes = new Map<string, ScriptedRuntime>([
  ["scripted", new ScriptedRuntime(clock)],
  ["dead", new DeadRuntime(clock)],
  ["edge1", new EchoRuntime(clock)],
]);

describe("a target's id", () => {
  test("that is a runtime's bare name is asked of that runtime", async () => {
    assert.equal((await resolveTarget(runtimes, "scripted")).immutableId, "scripted");
  });

  test("goes whole to the runtime before its first colon", async () => {
    for (const id of ["edge1:web", "edge1:", "edge1:default/pod:x", "edge1"]) {
      assert.equal((await resolveTarget(runtimes, id)).immutableId, `resolved ${id}`);
    }
  });

  test("of no runtime is a target that is not there", async () => {
    for (const id of ["", ":", ":web", "other", "other:web", "Edge1:web", "edge1 :web", "__proto__", "web:edge1"]) {
      await assert.rejects(resolveTarget(runtimes, id), { code: "TARGET_NOT_FOUND" }, id);
    }
  });

  test("is quoted in the refusal, so that control characters stay harmless", async () => {
    await assert.rejects(resolveTarget(runtimes, "\x1b[2J"), (error: Error) => !error.message.includes("\x1b"));
  });

  test("that the runtime refuses is refused with the runtime's own code", async () => {
    await assert.rejects(resolveTarget(runtimes, "dead:web"), { code: "RUNTIME_UNAVAILABLE" });
    await assert.rejects(resolveTarget(runtimes, "scripted:web"), { code: "TARGET_NOT_FOUND" });
  });
});

describe("the list of targets", () => {
  test("leaves out a runtime that does not answer, and names it", async () => {
    const { targets, unavailable } = await listTargets(runtimes.values(), clock);
    assert.deepEqual(
      targets.map((target) => target.id),
      ["scripted", "scripted"],
    );
    assert.deepEqual(unavailable, ["scripted"]);
  });

  test("waits three seconds for a runtime that hangs, and no longer", async () => {
    const hanging = new HangingRuntime(clock);
    const listed = listTargets([hanging, new ScriptedRuntime(clock)], clock);
    let isListed = false;
    void listed.then(() => {
      isListed = true;
    });
    await clock.advance(2999);
    assert.equal(isListed, false);
    await clock.advance(1);
    const { targets, unavailable } = await listed;
    assert.deepEqual([targets.length, unavailable], [1, ["scripted"]]);
    assert.equal(clock.timers, 0);
  });

  test("of no runtime is empty", async () => {
    assert.deepEqual(await listTargets([], clock), { targets: [], unavailable: [] });
  });
});
