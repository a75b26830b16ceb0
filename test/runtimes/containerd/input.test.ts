import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { FifoFolder } from "../../../src/runtimes/containerd/fifos.ts";
import { FifoInput } from "../../../src/runtimes/containerd/input.ts";
import { descriptors } from "../../conformance/runtime-start.ts";
import { takeDescriptors } from "../../fixtures/no-descriptors.ts";

function makeFifos(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "execgate-input-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return new FifoFolder(directory).make({ namespace: "default", containerId: "web", execId: "one" }, { stdin: true, stderr: false });
}

/** Whether a promise settles soon. */
async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise, delay(100, "waiting")])) === "waiting";
}

describe("the input of a command of containerd", { timeout: 10_000 }, () => {
  test("waits for its reader, then for a descriptor, and comes whole and in order", async (t) => {
    const fifos = makeFifos(t);
    const input = new FifoInput(fifos, false);
    const written = Promise.all([input.write(Buffer.from("one ")), input.write(Buffer.from("two")), input.end()]);
    assert.ok(await isWaiting(written), "nobody reads it");
    const reader = spawn("cat", [fifos.stdin], { stdio: ["ignore", "pipe", "inherit"] });
    const putBack = takeDescriptors();
    assert.ok(await isWaiting(written).finally(putBack), "there is no descriptor for it");
    let read = "";
    reader.stdout.on("data", (bytes) => {
      read += bytes;
    });
    await once(reader, "close");
    await written;
    assert.equal(read, "one two");
  });

  test("is accepted to no effect when the command is over before somebody reads it", async (t) => {
    const input = new FifoInput(makeFifos(t), false);
    const written = input.write(Buffer.from("nobody reads this"));
    assert.ok(await isWaiting(written));
    input.close();
    await Promise.all([written, input.end()]);
  });

  test("is closed when the command is over at the moment in which it is opened", async (t) => {
    const fifos = makeFifos(t);
    const reader = openSync(fifos.stdin, constants.O_RDONLY | constants.O_NONBLOCK);
    t.after(() => closeSync(reader));
    const before = descriptors();
    for (const isTerminal of [false, true]) {
      const input = new FifoInput(fifos, isTerminal);
      assert.equal(descriptors(), before + 1, "it is open");
      input.close();
      await input.end();
      assert.equal(descriptors(), before);
    }
  });
});
