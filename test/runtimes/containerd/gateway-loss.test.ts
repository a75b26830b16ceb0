import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { marker, processesWith, until } from "../../conformance/process.ts";
import { Containerd, withoutContainerd } from "../../fixtures/containerd.ts";
import { GatewayProcess } from "../../fixtures/gateway-process.ts";

describe("a gateway that runs commands in containers", { skip: withoutContainerd, timeout: 60_000 }, () => {
  let daemon: Containerd;
  before(async () => {
    daemon = await Containerd.start();
    await daemon.runContainer("web");
  });
  after(async () => {
    await daemon?.[Symbol.asyncDispose]();
  });

  async function open() {
    const { socket, fifoDir, namespace } = daemon;
    const runtimes = { containerd: { socket, fifoDir, namespaces: [namespace] } };
    return await GatewayProcess.spawn({ settings: { runtimes, limits: { shutdownMs: 100 } } });
  }

  test("takes its commands along when it is killed, and the next one what is left of them", async () => {
    const mark = marker();
    {
      await using gateway = await open();
      const request = await gateway.requester();
      const command = ["/bin/sh", "-c", `setsid sleep ${mark} & (env -i setsid sleep ${mark} &); sleep ${mark}`];
      const { status } = await request("/v1/sessions", { method: "POST", body: { target: daemon.target("web"), command, keepMs: 60_000 } });
      assert.equal(status, 201);
      await until(async () => (await processesWith(mark)).length === 3);
      gateway.child.kill("SIGKILL");
      await gateway.exited;
      const began = performance.now();
      await until(async () => (await processesWith(mark)).length === 0);
      const tookMs = performance.now() - began;
      assert.ok(tookMs < 2000, `they were gone after ${Math.round(tookMs)} ms`);
    }
    assert.equal(daemon.execs("web").length, 1, "containerd was not told");
    assert.equal(daemon.fifos().length, 1);
    await using next = await open();
    await next.url();
    await until(() => daemon.execs("web").length === 0 && readdirSync(daemon.fifoDir).length === 0);
  });

  test("takes its commands along when it is ended", async () => {
    const mark = marker();
    await using gateway = await open();
    const request = await gateway.requester();
    const body = { target: daemon.target("web"), command: ["sleep", mark], keepMs: 60_000 };
    assert.equal((await request("/v1/sessions", { method: "POST", body })).status, 201);
    await until(async () => (await processesWith(mark)).length === 1);
    gateway.child.kill("SIGTERM");
    assert.equal((await gateway.exited).status, 0);
    assert.deepEqual(await processesWith(mark), []);
    assert.deepEqual(daemon.execs("web"), []);
    assert.deepEqual(readdirSync(daemon.fifoDir), []);
  });
});
