import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { FifoFolder } from "../../../src/runtimes/containerd/fifos.ts";
import { code } from "../../conformance/runtime-start.ts";
import { takeDescriptors } from "../../fixtures/no-descriptors.ts";

const exec = { namespace: "default", containerId: "web", execId: "execgate-1" };

function makeOne(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "execgate-fifos-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const folder = new FifoFolder(directory);
  return { directory, folder, fifos: folder.make(exec, { stdin: false, stderr: true }) };
}

describe("the folder of FIFOs", () => {
  test("goes with the gateway when nothing is left in it", (t) => {
    const { directory, folder, fifos } = makeOne(t);
    fifos.remove();
    folder.close();
    assert.deepEqual(readdirSync(directory), []);
  });

  test("stays with an exec that could not be ended", (t) => {
    const { folder, fifos } = makeOne(t);
    folder.close();
    assert.ok(existsSync(fifos.stdout));
  });

  test("may be gone before the gateway, which makes another for the next exec, and ends all the same", (t) => {
    const { directory, folder } = makeOne(t);
    for (const isUsedAgain of [true, false]) {
      rmSync(directory, { recursive: true });
      if (isUsedAgain) assert.ok(existsSync(folder.make(exec, { stdin: false, stderr: true }).stdout));
    }
    folder.close();
  });

  test("is not left behind when there is no descriptor for its lock", (t) => {
    const directory = mkdtempSync(join(tmpdir(), "execgate-fifos-"));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const putBack = takeDescriptors();
    try {
      assert.throws(() => new FifoFolder(directory).make(exec, { stdin: false, stderr: true }), code("RUNTIME_UNAVAILABLE"));
    } finally {
      putBack();
    }
    assert.deepEqual(readdirSync(directory), []);
  });
});
