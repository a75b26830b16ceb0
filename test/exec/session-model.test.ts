import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StopReason } from "../../src/exec/outcome.ts";
import { settled } from "../fixtures/clock.ts";
import { randomSteps, type Step } from "../fixtures/scripted-runtime.ts";
import { startSession } from "../fixtures/session.ts";

const states = ["starting", "running", "draining", "ended"];

const wishes = fc.record({
  seed: fc.nat(),
  terminate: fc.constantFrom("works", "leaks", "fails", "hangs"),
  diesOf: fc.constantFrom<("SIGTERM" | "SIGKILL")[]>(["SIGKILL"], ["SIGTERM", "SIGKILL"]),
  descendants: fc.constantFrom("end", "leave"),
  timeoutMs: fc.constantFrom(0, 1, 300, 2000),
  killGraceMs: fc.constantFrom(0, 100),
  idleMs: fc.constantFrom(0, 150),
  replayBytes: fc.constantFrom(0, 1000, 65_536),
  reads: fc.boolean(),
  stops: fc.array(fc.record({ atMs: fc.nat(1500), reason: fc.constantFrom<StopReason>("client", "shutdown") }), { maxLength: 3 }),
});

/** What a script says on a stream before the output ends. */
function saidBy(steps: readonly Step[]): Buffer[] {
  return steps.flatMap((step) => (typeof step === "object" && "say" in step ? [step.bytes] : []));
}

test("whatever a process does and whoever stops it, a run ends once, lets go of everything and keeps each byte it read", async () => {
  await fc.assert(
    fc.asyncProperty(
      wishes,
      async ({ seed, terminate, diesOf, descendants, timeoutMs, killGraceMs, idleMs, replayBytes, reads, stops }) => {
        const seen: string[] = [];
        let ends = 0;
        const steps = randomSteps(seed);
        const { session, process, clock } = await startSession({
          behaviour: { steps, terminate, diesOf },
          request: { timeoutMs, descendants, keepMs: 10_000, collect: { bytesMax: 1_000_000, keep: "head", encoding: "auto" } },
          limits: { killGraceMs, idleMs, replayBytes },
          observer: { ended: () => ends++ },
        });
        const client = session.attach({ principal: "user:test", role: "writer" });
        const from = client.cursor.offset;
        const read: Buffer[] = [];
        const reading = (async () => {
          for (let item = await client.cursor.next(); item?.type === "data"; item = await client.cursor.next()) read.push(item.bytes);
        })();
        if (!reads) client.leave();
        for (const { atMs, reason } of stops) clock.after(atMs, () => session.stop(reason));
        for (let n = 0; n < 150; n++) {
          await clock.advance(100);
          seen.push(session.state);
        }
        session.stop("operator");
        await clock.advance(20_000);
        await settled();
        assert.equal(session.state, "ended");
        assert.deepEqual([ends, process.count("release"), process.calls.at(-1), clock.timers], [1, 1, "release", 0]);
        const ranks = seen.map((state) => states.indexOf(state));
        assert.deepEqual(ranks, ranks.toSorted());
        const collected = await session.collected;
        const said = Buffer.concat(saidBy(steps));
        const total = (collected?.stdout.bytes ?? 0) + (collected?.stderr.bytes ?? 0);
        assert.equal(total, process.output.pulled);
        await reading;
        if (reads) assert.deepEqual(Buffer.concat(read), said.subarray(from, total));
      },
    ),
    { numRuns: 60 },
  );
});
