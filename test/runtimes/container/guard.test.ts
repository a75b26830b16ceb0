import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const script = new URL("./guard-without-descriptors.js", import.meta.url).pathname;

test("a guard that cannot be started for want of descriptors is tried again, and told everything", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "execgate-guard-"));
  t.after(() => rm(directory, { recursive: true }));
  const command = ["-c", 'ulimit -n 64; exec "$0" "$@"', process.execPath, script, join(directory, "told")];
  const { stdout } = await promisify(execFile)("/bin/sh", command, { timeout: 20_000 });
  assert.equal(stdout, "first\nfirst\nsecond\n");
});
