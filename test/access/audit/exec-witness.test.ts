import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { createDescriber } from "../../../src/access/audit/command.ts";
import { createExecWitness } from "../../../src/access/audit/exec-witness.ts";
import { createRedactor } from "../../../src/access/audit/redact.ts";
import type { AuditSink } from "../../../src/access/audit/sink.ts";
import { AuditTrail, stallMs } from "../../../src/access/audit/trail.ts";
import { FakeClock, settled } from "../../fixtures/clock.ts";
import { principalOf } from "../../fixtures/policy.ts";
import { createSession } from "../../fixtures/session.ts";

type Line = Readonly<Record<string, unknown>>;

const key = Buffer.alloc(32, 7);

/** A witness on a trail whose disk takes as long as the test wants, which no real one can be made to do. */
async function createWitnessed() {
  const lines: Line[] = [];
  let letGo = (): void => undefined;
  const sink: AuditSink = {
    end: undefined,
    cutBytes: 0,
    append: (bytes) =>
      new Promise((resolve) => {
        letGo = () => {
          letGo = () => undefined;
          lines.push(
            ...bytes
              .toString()
              .trimEnd()
              .split("\n")
              .map((line) => JSON.parse(line)),
          );
          resolve();
        };
      }),
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const clock = new FakeClock();
  const trail = await AuditTrail.start(async () => sink, { mode: "strict", clock });
  const caller = { principal: principalOf("user:test"), from: "192.0.2.1", reason: "why" };
  const witness = createExecWitness(trail, createDescriber(createRedactor([]), key), caller);
  /** Lets the disk take what waits, until nothing does. */
  const write = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      await clock.advance(100);
      letGo();
      await settled();
    }
  };
  return { witness, clock, write, lines };
}

const toldOf = (lines: readonly Line[]) => lines.map(({ event, outcome, code }) => [event, outcome, code]);

describe("the witness of an exec", () => {
  it("starts nothing for a client that goes while the disk is waited for, and says so", async () => {
    const { witness, write, lines } = await createWitnessed();
    const { session, runtime } = createSession({ witness });
    const refused = assert.rejects(session.start(), { code: "SESSION_ENDED" });
    await settled();
    session.stop("disconnect");
    await write();
    await refused;
    await write();
    assert.equal(runtime.specs.length, 0);
    assert.deepEqual(toldOf(lines), [
      ["exec.start", undefined, undefined],
      ["exec.end", "refused", "SESSION_ENDED"],
    ]);
  });

  it("starts nothing when the disk does not answer, and says so when it does", async () => {
    const { witness, clock, write, lines } = await createWitnessed();
    const { session, runtime } = createSession({ witness });
    const refused = assert.rejects(session.start(), { code: "AUDIT_UNAVAILABLE" });
    await clock.advance(stallMs);
    await refused;
    assert.equal(runtime.specs.length, 0);
    await write();
    assert.deepEqual(toldOf(lines), [
      ["exec.start", undefined, undefined],
      ["audit.gap", undefined, undefined],
      ["exec.end", "refused", "AUDIT_UNAVAILABLE"],
    ]);
  });

  it("tells who, from where and why in both of its lines", async () => {
    const { witness, write, lines } = await createWitnessed();
    const { session, runtime } = createSession({ witness });
    const started = session.start();
    await write();
    await started;
    runtime.process.exits(0);
    runtime.process.endOutput();
    await session.finished;
    await write();
    const actor = { principal: "user:test", credential: "test", source: "192.0.2.1", reason: "why", session: session.id };
    for (const line of lines) for (const [name, value] of Object.entries(actor)) assert.equal(line[name], value, name);
    assert.deepEqual(
      toldOf(lines).map(([event]) => event),
      ["exec.start", "exec.end"],
    );
  });
});

describe("the description of a command", () => {
  const describeCommand = createDescriber(createRedactor([]), key);
  const bytesOf = (command: readonly string[]) => command.map((argument) => `${argument}\0`).join("");

  it("has the bare hash of what is shown whole", () => {
    const command = ["uname", "-a"];
    const argvSha256 = createHash("sha256").update(bytesOf(command)).digest("hex");
    assert.deepEqual(describeCommand(command), { argv: command, argvSha256 });
  });

  it("has no hash by which a secret could be guessed, but a mark under the key", () => {
    const command = ["psql", "--password=1234"];
    const argvHmacSha256 = createHmac("sha256", key).update(bytesOf(command)).digest("hex");
    assert.deepEqual(describeCommand(command), { argv: ["psql", "--password=[redacted]"], argvHmacSha256 });
  });

  it("tells arguments apart that read alike when they are joined", () => {
    assert.notEqual(describeCommand(["a", "b c"]).argvSha256, describeCommand(["a b", "c"]).argvSha256);
  });
});
