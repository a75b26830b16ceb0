import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { ForeignProcess } from "../../../src/runtimes/container/foreign-process.ts";
import { addon } from "../../../src/runtimes/descriptor/native.ts";

/** A grandchild, which somebody else reaps: its pid, and its ending. */
async function grandchild(script: string) {
  const parent = spawn("sh", ["-c", `setsid sh -c 'echo $$; ${script}' & wait`]);
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const seen = ForeignProcess.open(Number(line));
  assert.ok(seen);
  return { seen, ended: once(parent, "close") };
}

const self = addon.openProcess(process.pid);
const isTold = addon.endOf(self) === undefined;
const skip = !isTold && "this kernel does not tell how processes ended";

test("a process that is nobody's child here tells how it ended", { skip }, async () => {
  const { seen, ended } = await grandchild("sleep 0.05; exit 7");
  assert.deepEqual(await seen.ended, { code: 7, signal: null });
  await ended;
  seen.close();
});

test("a signal reaches its group, and is told apart from an exit code", { skip }, async () => {
  const { seen, ended } = await grandchild("sleep 60 & wait");
  await seen.signal("SIGTERM", false);
  assert.deepEqual(await seen.ended, { code: 143, signal: "SIGTERM" });
  await ended;
  seen.close();
  await seen.signal("SIGTERM", false);
});

test("a pid that is nobody's is not there", () => {
  assert.equal(ForeignProcess.open(2 ** 30), undefined);
});
