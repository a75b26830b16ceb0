import assert from "node:assert/strict";
import { test } from "node:test";
import type { Process } from "../../src/exec/runtime.ts";
import { strayProcess } from "../../src/runtimes/container/stray.ts";
import { endRunning } from "../../src/runtimes/end-running.ts";

test("everything that runs is ended and let go of, also beside what cannot be ended", async () => {
  const running = new Set<Process>();
  const kills = [async () => "verified" as const, () => Promise.reject(new Error("it cannot be reached"))];
  for (const kill of kills) running.add(strayProcess("nothing is known of it", kill, (released) => running.delete(released)));
  await endRunning(running);
  assert.equal(running.size, 0);
});
