import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { ExecSpec } from "../../../src/exec/runtime.ts";
import { Api } from "../../../src/runtimes/containerd/api.ts";
import { ApiError } from "../../../src/runtimes/containerd/api-error.ts";
import type { Found } from "../../../src/runtimes/containerd/containers.ts";
import { FifoFolder } from "../../../src/runtimes/containerd/fifos.ts";
import { Marks } from "../../../src/runtimes/containerd/mark.ts";
import { startExec } from "../../../src/runtimes/containerd/start.ts";
import { code } from "../../conformance/runtime-start.ts";
import { takeDescriptors } from "../../fixtures/no-descriptors.ts";
import { moreThan, openDescriptors } from "../../fixtures/open-descriptors.ts";

const spec: ExecSpec = { command: ["true"], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: true };

/** A container of which nothing needs to be there: what is tried here fails before anything of it is asked for. */
const found: Found = {
  namespace: "default",
  container: { id: "web", labels: {}, spec: { typeUrl: "", value: Buffer.from('{"process":{}}') } },
  task: undefined,
  target: { id: "containerd:default/web", runtime: "containerd", name: "default/web", immutableId: "", state: "running", labels: {} },
};

/** What a start needs, with a containerd that is not there, and the FIFOs below `directory`. */
function prepare(t: TestContext, directory?: string) {
  const ownDirectory = mkdtempSync(join(tmpdir(), "execgate-start-"));
  const [api, marks, fifos] = [new Api(join(ownDirectory, "no.sock")), new Marks(), new FifoFolder(directory ?? ownDirectory)];
  t.after(() => {
    api.close();
    fifos.close();
    rmSync(ownDirectory, { recursive: true });
  });
  const start = () =>
    startExec(
      { api, marks, fifos, running: new Set(), discard: async (_, given) => given.remove() },
      found,
      spec,
      new AbortController().signal,
    );
  const isTaken = () => ({ mark: marks.isLive(marks.range[0]), fifos: fifosBelow(ownDirectory) });
  return { start, isTaken, fifos };
}

function fifosBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => name.includes(","));
}

describe("what is taken for a command of containerd is given back", () => {
  const nothing = { mark: false, fifos: [] };

  test("when its FIFOs cannot be made", async (t) => {
    const { start, isTaken } = prepare(t, "/dev/null/fifos");
    await assert.rejects(start(), code("RUNTIME_UNAVAILABLE"));
    assert.deepEqual(isTaken(), nothing);
  });

  test("when there is no descriptor for its output, and the next one starts as before", async (t) => {
    const { start, isTaken, fifos } = prepare(t);
    fifos.make({ namespace: "default", containerId: "web", execId: "first" }, { stdin: false, stderr: false }).remove();
    const putBack = takeDescriptors();
    try {
      await assert.rejects(start(), code("OVERLOADED"));
    } finally {
      putBack();
    }
    assert.deepEqual(isTaken(), nothing);
  });

  test("when containerd is not there", async (t) => {
    const { start, isTaken } = prepare(t);
    await assert.rejects(start(), ApiError);
    const before = openDescriptors(process.pid);
    await assert.rejects(start(), ApiError);
    assert.deepEqual(isTaken(), nothing);
    assert.deepEqual(moreThan(before, openDescriptors(process.pid)), []);
  });
});
