import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ExecgateError } from "../../src/errors.ts";
import type { Witness } from "../../src/exec/witness.ts";
import { settled } from "../fixtures/clock.ts";
import { createSession } from "../fixtures/session.ts";

/** A witness that says when it lets a start go on, and what it was told. */
function createWitness() {
  const told: string[] = [];
  let [letGo, refuse] = [(): void => undefined, (_cause: Error): void => undefined];
  const answer = new Promise<void>((resolve, reject) => {
    [letGo, refuse] = [resolve, reject];
  });
  const witness: Witness = {
    starting: () => {
      told.push("starting");
      return answer;
    },
    failed: (_, code) => told.push(`failed ${code}`),
    ended: (_, { outcome }) => told.push(outcome),
  };
  return { witness, told, letGo, refuse };
}

describe("a session with a witness", () => {
  it("starts nothing before the witness lets it, and tells it of the end", async () => {
    const { witness, told, letGo } = createWitness();
    const { session, runtime } = createSession({ witness });
    const started = session.start();
    await settled();
    assert.deepEqual([runtime.specs.length, told], [0, ["starting"]]);
    letGo();
    await started;
    assert.equal(runtime.specs.length, 1);
    runtime.process.exits(0);
    runtime.process.endOutput();
    await session.finished;
    assert.deepEqual(told, ["starting", "exited"]);
  });

  it("starts nothing that the witness refuses", async () => {
    const { witness, told, refuse } = createWitness();
    const { session, runtime, clock } = createSession({ witness });
    refuse(new ExecgateError("AUDIT_UNAVAILABLE", "no"));
    await assert.rejects(session.start(), { code: "AUDIT_UNAVAILABLE" });
    assert.equal(await session.finished, undefined);
    assert.deepEqual([runtime.specs.length, session.state, clock.timers, told], [0, "ended", 0, ["starting", "failed AUDIT_UNAVAILABLE"]]);
  });

  it("starts nothing for a client that went while the witness was waited for", async () => {
    const { witness, told, letGo } = createWitness();
    const { session, runtime } = createSession({ witness });
    const started = assert.rejects(session.start(), { code: "SESSION_ENDED" });
    await settled();
    session.stop("disconnect");
    letGo();
    await started;
    assert.equal(await session.finished, undefined);
    assert.deepEqual([runtime.specs.length, told], [0, ["starting", "failed SESSION_ENDED"]]);
  });

  it("does not ask the witness for what was stopped before its start", async () => {
    const { witness, told } = createWitness();
    const { session } = createSession({ witness });
    session.stop("disconnect");
    await assert.rejects(session.start(), { code: "SESSION_ENDED" });
    assert.deepEqual(told, ["failed SESSION_ENDED"]);
  });

  it("tells the witness what the runtime refuses", async () => {
    const { witness, told, letGo } = createWitness();
    const { session } = createSession({ witness, behaviour: { start: "refuses" } });
    letGo();
    await assert.rejects(session.start(), { code: "COMMAND_NOT_FOUND" });
    assert.deepEqual(told, ["starting", "failed COMMAND_NOT_FOUND"]);
  });
});
