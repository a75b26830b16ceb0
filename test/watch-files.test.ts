import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { watchFiles } from "../src/watch-files.ts";
import { FakeClock } from "./fixtures/clock.ts";
import { until } from "./fixtures/until.ts";

/** Two watched files, how often they were said to have changed, and a clock whose every look is waited for. */
async function watched(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), "execgate-watch-"));
  const [a, b] = [join(dir, "a"), join(dir, "b")];
  await writeFile(a, "one");
  await writeFile(b, "two");
  const clock = new FakeClock();
  const calls = { count: 0 };
  const stop = watchFiles([a, b], clock, () => calls.count++);
  t.after(() => rm(dir, { recursive: true }));
  t.after(stop);
  /** Looks so many times; after each the next one is under way. */
  const look = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await until("timer", () => clock.timers === 1);
      await clock.advance(500);
    }
    await until("timer", () => clock.timers === 1);
  };
  await look(3);
  return { dir, a, b, clock, calls, look, stop };
}

test("a change is told once, when the files have been quiet", async (t) => {
  const { a, calls, look } = await watched(t);
  assert.equal(calls.count, 0, "what was there from the start is no change");
  await writeFile(a, "other");
  await look(1);
  assert.equal(calls.count, 0, "it was written only now");
  await look(1);
  assert.equal(calls.count, 1);
  await look(5);
  assert.equal(calls.count, 1);
});

test("a file that is empty or gone is no change, until it is whole again", async (t) => {
  const { a, b, calls, look } = await watched(t);
  await writeFile(a, "");
  await look(4);
  await writeFile(a, "new");
  await rm(b);
  await look(4);
  assert.equal(calls.count, 0);
  await writeFile(b, "two");
  await look(2);
  assert.equal(calls.count, 1);
});

test("a file that is touched or written with the same content has not changed", async (t) => {
  const { a, b, calls, look } = await watched(t);
  await utimes(a, 1, 1);
  await writeFile(b, "two");
  await look(4);
  assert.equal(calls.count, 0);
});

test("a file that another takes the place of, also by a link, has changed", async (t) => {
  const { dir, a, calls, look } = await watched(t);
  await writeFile(join(dir, "next"), "two two");
  await symlink("next", join(dir, "link"));
  await rename(join(dir, "link"), a);
  await look(2);
  assert.equal(calls.count, 1);
});

test("a change is one from what is in use, whoever read it", async (t) => {
  const { a, clock, stop } = await watched(t);
  stop();
  const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
  let [inUse, calls] = [digest("one"), 0];
  t.after(
    watchFiles(
      [a],
      clock,
      () => calls++,
      () => inUse,
    ),
  );
  const look = async (): Promise<void> => {
    await until("timer", () => clock.timers === 1);
    await clock.advance(500);
    await until("timer", () => clock.timers === 1);
  };
  for (let i = 0; i < 3; i++) await look();
  assert.equal(calls, 0);
  // Another content was read by a signal, and the old one is back before anybody looked.
  inUse = digest("two");
  await writeFile(a, "one");
  for (let i = 0; i < 3; i++) await look();
  assert.equal(calls, 1);
});

test("nothing is looked at after the end", async (t) => {
  const { clock, stop } = await watched(t);
  stop();
  await delay(0);
  assert.equal(clock.timers, 0);
});
