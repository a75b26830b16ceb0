import assert from "node:assert/strict";
import { test } from "node:test";
import { oneAtATime } from "../../src/runtimes/one-at-a-time.ts";

test("work that goes on is shared, and done again for whoever comes later, also after a failure", async () => {
  const ends: (() => void)[] = [];
  let failures = 0;
  const call = oneAtATime(
    () =>
      new Promise<number>((resolve, reject) => {
        const number = ends.length;
        ends.push(() => (number === 0 ? reject(new Error("no")) : resolve(number)));
      }),
  );
  const first = [call(), call()].map((one) =>
    one.catch(() => {
      failures++;
    }),
  );
  assert.equal(ends.length, 1);
  ends[0]?.();
  await Promise.all(first);
  assert.equal(failures, 2);
  const second = [call(), call()];
  ends[1]?.();
  assert.deepEqual(await Promise.all(second), [1, 1]);
});
