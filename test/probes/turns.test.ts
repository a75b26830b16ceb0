import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Turns } from "../../src/probes/turns.ts";
import { FakeClock } from "../fixtures/clock.ts";

test("never more work at a time than there is room for, all of it is done, and in order", async () => {
  const works = fc.array(fc.record({ ms: fc.nat(20), fails: fc.boolean() }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), works, async (width, all) => {
      const [clock, turns, begun] = [new FakeClock(), new Turns(width), [] as number[]];
      let [running, most] = [0, 0];
      const done = Promise.allSettled(
        all.map(({ ms, fails }, i) =>
          turns.run(async () => {
            begun.push(i);
            most = Math.max(most, ++running);
            await new Promise<void>((resolve) => clock.after(ms, resolve));
            running--;
            if (fails) throw new Error("failed");
          }),
        ),
      );
      await clock.runOut();
      const kinds = (await done).map(({ status }) => status === "rejected");
      assert.deepEqual(
        kinds,
        all.map(({ fails }) => fails),
      );
      assert.deepEqual(
        begun,
        all.map((_, i) => i),
      );
      assert.equal(most, Math.min(width, all.length));
    }),
    { numRuns: 50 },
  );
});
