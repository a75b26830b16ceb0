import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bestOf } from "../../fixtures/best-of.ts";
import { Containerd, withoutContainerd } from "../../fixtures/containerd.ts";
import { Cri } from "../../fixtures/cri.ts";
import { openGateway, type TestGateway } from "../../fixtures/gateway.ts";

const sh = ["/bin/sh", "-c"];
const target = "containerd:k8s.io/db-0/pg";

/** What Kubernetes' own `ExecSync` makes of the same command in the same container. */
describe("beside ExecSync", { skip: withoutContainerd, timeout: 60_000 }, () => {
  let daemon: Containerd;
  let cri: Cri;
  let gateway: TestGateway;
  let id = "";

  before(async () => {
    daemon = await Containerd.start("k8s.io");
    cri = new Cri(daemon.socket);
    id = await cri.runPod("db-0", "pg");
    const { socket, fifoDir } = daemon;
    gateway = await openGateway({ runtimes: { containerd: { socket, fifoDir } } });
  });
  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    cri?.[Symbol.dispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  test("a pod's container is a target with the labels of Kubernetes", async () => {
    const { json } = await gateway.request(`/v1/targets?id=${encodeURIComponent(`containerd:k8s.io/${id.slice(0, 12)}`)}`);
    const [found] = (json as { targets: { id: string; labels: Record<string, string> }[] }).targets;
    assert.equal(found?.id, target);
    assert.equal(found?.labels["io.kubernetes.pod.namespace"], "default");
  });

  test("a background child that holds stdout keeps theirs waiting, and not ours", async () => {
    const command = [...sh, "sleep 61 & echo hi"];
    const tookMs = await bestOf(500, async () => {
      const began = performance.now();
      const { stdout, outcome, exitCode, drained } = await gateway.exec({ target, command });
      assert.deepEqual([stdout.data, outcome, exitCode, drained], ["hi\n", "exited", 0, false]);
      return performance.now() - began;
    });
    assert.ok(tookMs < 500, `ours answered after ${tookMs} ms`);
    await assert.rejects(cri.execSync(id, [...sh, "sleep 3 & echo hi"], 0, 2000), /DEADLINE_EXCEEDED/, "theirs waits for the child");
  });

  test("20 MB of output make theirs fail, ours say that it is cut", async () => {
    const command = ["head", "-c", "20000000", "/dev/zero"];
    const { stdout, exitCode } = await gateway.exec({ target, command, outputBytesMax: 16_777_216 });
    assert.deepEqual([stdout.bytes, stdout.truncated, exitCode], [20_000_000, true, 0]);
    await assert.rejects(cri.execSync(id, command), /RESOURCE_EXHAUSTED/);
  });

  test("a timeout leaves theirs with nothing, ours with what there was", async () => {
    const command = [...sh, "echo before; exec sleep 62"];
    const { stdout, outcome, termination, drained } = await gateway.exec({ target, command, timeoutMs: 1000 });
    assert.deepEqual([stdout.data, outcome, termination, drained], ["before\n", "timeout", "verified", true]);
    await assert.rejects(cri.execSync(id, command, 1), /DEADLINE_EXCEEDED/);
  });
});
