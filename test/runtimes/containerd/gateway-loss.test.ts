import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { marker, processesWith, until } from "../../conformance/process.ts";
import { Containerd, withoutContainerd } from "../../fixtures/containerd.ts";
import { openGateway } from "../../fixtures/gateway.ts";
import { GatewayProcess } from "../../fixtures/gateway-process.ts";
import { assertProblem } from "../../fixtures/http-answer.ts";

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
    assert.equal(daemon.fifos().length, 2, "those of stdout and stderr are left");
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

  test("tells that the socket is missing at the start, and uses it as soon as it is there", async () => {
    await daemon.stop();
    const { socket, fifoDir, namespace } = daemon;
    await using gateway = await openGateway({ runtimes: { containerd: { socket, fifoDir, namespaces: [namespace] } } });
    const isUp = async (): Promise<boolean | undefined> => {
      const { status, json } = await gateway.request("/readyz");
      assert.equal(status, 200, "the host is there");
      return (json as { runtimes: Record<string, { up: boolean }> }).runtimes.containerd?.up;
    };
    const exec = () => gateway.request("/v1/exec", { method: "POST", body: { target: daemon.target("web"), command: ["true"] } });
    assert.equal(await isUp(), false);
    assert.equal(await gateway.metric("execgate_runtime_up", 'runtime="containerd"'), 0);
    assertProblem(await exec(), 503, "RUNTIME_UNAVAILABLE");
    assert.equal((await gateway.exec({ command: ["true"] })).exitCode, 0);
    await daemon.launch();
    await until(async () => (await isUp()) === true);
    assert.equal(await gateway.metric("execgate_runtime_up", 'runtime="containerd"'), 1);
    assert.equal((await exec()).status, 200);
  });
});
