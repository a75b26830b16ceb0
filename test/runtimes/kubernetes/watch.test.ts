import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../../src/exec/clock.ts";
import { askHealth } from "../../../src/exec/health.ts";
import type { Runtime } from "../../../src/exec/runtime.ts";
import { createKubernetesRuntime, type KubernetesOptions } from "../../../src/runtimes/kubernetes/index.ts";
import { start, until } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { createRequester, openGateway } from "../../fixtures/gateway.ts";
import { KubectlHome } from "../../fixtures/kubectl.ts";
import { FakeCluster, podNamed, sendJson } from "./fake-cluster.ts";

const collection = "/api/v1/namespaces/prod/pods";

/** A cluster with one pod, and a runtime that has begun to watch it. */
async function watching(options: Partial<KubernetesOptions> = {}) {
  const cluster = await FakeCluster.start();
  cluster.add(podNamed("web"));
  const runtime = cluster.runtime(options);
  await runtime.targets();
  return {
    cluster,
    runtime,
    times: (what: string): number => cluster.asked.filter((line) => line === `${what} ${collection}`).length,
    async [Symbol.asyncDispose]() {
      await runtime.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

async function namesOf(runtime: Runtime): Promise<string[]> {
  return (await runtime.targets()).map(({ name }) => name).sort();
}

async function untilSeen(runtime: Runtime, ...names: readonly string[]): Promise<void> {
  await until(async () => (await namesOf(runtime).catch(() => [])).join() === names.join());
}

describe("the pods that a runtime watches", () => {
  it("are listed once, and told of when they come, change and go", async () => {
    await using web = await watching();
    web.cluster.add(podNamed("app"));
    await untilSeen(web.runtime, "prod/app/main", "prod/web/main");
    web.cluster.add(podNamed("app", { phase: "Failed" }));
    await until(async () => (await web.runtime.targets()).some(({ state }) => state === "failed"));
    web.cluster.remove("web");
    await untilSeen(web.runtime, "prod/app/main");
    assert.deepEqual([web.times("GET"), web.times("WATCH")], [1, 1]);
  });

  it("are followed from where it was when the connection breaks off, with nothing missed", async () => {
    await using web = await watching();
    for (const socket of web.cluster.sockets) socket.destroy();
    web.cluster.add(podNamed("app"));
    web.cluster.remove("web");
    await untilSeen(web.runtime, "prod/app/main");
    assert.deepEqual([web.times("GET"), web.times("WATCH")], [1, 2]);
  });

  it("are followed on by itself when the server ends the watch, as it does from time to time", async () => {
    await using web = await watching();
    web.cluster.endWatches();
    await until(() => web.cluster.watches.size === 1);
    web.cluster.add(podNamed("app"));
    await untilSeen(web.runtime, "prod/app/main", "prod/web/main");
    assert.deepEqual([web.times("GET"), web.times("WATCH")], [1, 2]);
  });

  const gone = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
  const endings: [string, (response: ServerResponse) => void][] = [
    ["an answer 410", (response) => sendJson(response, 410, gone)],
    ["a word of 410 in the watch", (response) => response.end(`${JSON.stringify({ type: "ERROR", object: gone })}\n`)],
    ["any other error in the watch", (response) => response.end(`${JSON.stringify({ type: "ERROR", object: { code: 500 } })}\n`)],
    ["a line that is no JSON", (response) => response.end("<html>\n")],
    ["a line that is half a pod, and breaks off", (response) => response.end('{"type":"ADDED","object":{"meta\n')],
    ["a line without end", (response) => response.end(Buffer.alloc(5 * 1024 * 1024, "x"))],
  ];
  for (const [title, end] of endings) {
    it(`are listed anew behind ${title}`, async () => {
      await using web = await watching();
      web.cluster.onRequest = (response, { url = "" }) => {
        if (!url.includes("watch")) return false;
        web.cluster.onRequest = () => false;
        end(response);
        return true;
      };
      web.cluster.endWatches();
      await until(() => web.times("WATCH") === 3);
      web.cluster.add(podNamed("app"));
      await untilSeen(web.runtime, "prod/app/main", "prod/web/main");
      assert.equal(web.times("GET"), 2);
    });
  }

  it("are asked for no more often than once a pause, although the server ends every watch at once", async () => {
    await using web = await watching({ watchPauseMs: 100 });
    web.cluster.onRequest = (response, { url = "" }) => {
      if (url.includes("watch")) response.writeHead(200).end();
      return url.includes("watch");
    };
    web.cluster.endWatches();
    const [from, began] = [web.times("WATCH"), performance.now()];
    await delay(350);
    const [times, pauses] = [web.times("WATCH") - from, (performance.now() - began) / 100];
    assert.ok(times <= pauses + 1, `${times} times in ${pauses} pauses`);
    assert.deepEqual(await namesOf(web.runtime), ["prod/web/main"]);
  });

  it("are not known while the API server hangs, and known again when it goes on", async () => {
    await using web = await watching({ answerMs: 250 });
    let hanging: ServerResponse[] | undefined = [];
    web.cluster.onRequest = (response) => hanging?.push(response) !== undefined;
    web.cluster.endWatches();
    await until(() => hanging?.length === 1);
    await assert.rejects(web.runtime.targets(), code("RUNTIME_UNAVAILABLE"));
    await assert.rejects(web.runtime.targets(), /did not answer within 0.25 s/);
    assert.deepEqual(await askHealth(web.runtime, systemClock), { up: false, reason: "The API server did not answer within 0.25 s." });
    hanging = undefined;
    await untilSeen(web.runtime, "prod/web/main");
    await until(async () => (await askHealth(web.runtime, systemClock)).up);
  });

  it("are asked for again when the server has said nothing for long, since the line may be dead", async () => {
    await using web = await watching({ watchMs: 250, answerMs: 250 });
    web.cluster.watches.clear();
    web.cluster.add(podNamed("app"));
    await untilSeen(web.runtime, "prod/app/main", "prod/web/main");
    assert.equal(web.times("GET"), 1);
  });

  it("are not known where the gateway may not watch, which is told; a pod that is named is still reached", async () => {
    await using web = await watching();
    web.cluster.onRequest = (response, { url = "" }) => {
      if (url.includes("watch")) sendJson(response, 403, { message: 'pods is forbidden: User "x" cannot watch resource "pods"' });
      return url.includes("watch");
    };
    web.cluster.endWatches();
    await until(() => web.times("WATCH") === 2);
    await assert.rejects(web.runtime.targets(), code("RUNTIME_UNAVAILABLE"));
    const { up, reason } = await askHealth(web.runtime, systemClock);
    assert.equal(up, false);
    assert.match(reason ?? "", /does not let the gateway do this, which its role must allow: 403 .* cannot watch/);
    assert.equal((await web.runtime.resolve("k:prod/web")).state, "running");
  });

  it("say by the health of the runtime whether they are known", async () => {
    await using web = await watching();
    const settings = { kubeconfig: web.cluster.kubeconfig, namespaces: ["prod"] };
    await using gateway = await openGateway({ runtimes: { kubernetes: settings } });
    const isUp = (): Promise<number> => gateway.metric("execgate_runtime_up", "kubernetes");
    assert.equal(await isUp(), 1);
    web.cluster.onRequest = (response) => {
      sendJson(response, 403, { message: "no" });
      return true;
    };
    await until(async () => (await isUp()) === 0);
    assert.match((await gateway.request("/readyz")).text, /does not let the gateway do this, which its role must allow: 403 no/);
  });

  it("are not looked for where the API server points to", async () => {
    await using web = await watching();
    web.cluster.onRequest = (response) => {
      response.writeHead(302, { location: "/elsewhere" }).end();
      return true;
    };
    web.cluster.endWatches();
    await until(() => web.times("WATCH") > 1);
    await assert.rejects(web.runtime.targets(), code("RUNTIME_UNAVAILABLE"));
    assert.ok(!web.cluster.asked.some((line) => line.includes("elsewhere")));
  });

  it("are as many as may be held, and no more", async () => {
    await using web = await watching();
    web.cluster.onRequest = (response) => {
      const items = Array.from({ length: 50_001 }, (_, index) => podNamed(`pod-${index}`));
      sendJson(response, 200, { items, metadata: { resourceVersion: "1" } });
      return true;
    };
    const runtime = web.cluster.runtime();
    await assert.rejects(runtime.targets(), code("OVERLOADED"));
    await runtime.close();
  });

  it("are those of the namespaces that are configured", async () => {
    await using cluster = await FakeCluster.start();
    cluster.add(podNamed("web"));
    for (const [namespaces, paths] of [
      [
        ["prod", "jobs"],
        ["/api/v1/namespaces/prod/pods", "/api/v1/namespaces/jobs/pods"],
      ],
      [["*"], ["/api/v1/pods"]],
      [[], ["/api/v1/namespaces/prod/pods"]],
    ] as const) {
      cluster.asked.length = 0;
      const runtime = cluster.runtime({ namespaces });
      await runtime.targets().catch(() => undefined);
      assert.deepEqual(
        cluster.asked.filter((line) => line.startsWith("GET ")),
        paths.map((path) => `GET ${path}`),
      );
      await runtime.close();
    }
  });

  it("are not what a command is decided on: a name means what has it now, whatever was told of it last", async () => {
    await using web = await watching();
    web.cluster.watches.clear();
    web.cluster.add(podNamed("web", { uid: "another" }));
    assert.equal((await web.runtime.targets())[0]?.immutableId, "uid-of-web/main");
    assert.equal((await web.runtime.resolve("k:prod/web")).immutableId, "another/main");
  });

  it("are watched no more when the runtime is closed", async () => {
    await using web = await watching();
    assert.equal(web.cluster.watches.size, 1);
    await web.runtime.close();
    await until(() => web.cluster.sockets.size === 0);
    await assert.rejects(web.runtime.targets(), code("RUNTIME_UNAVAILABLE"));
  });
});

describe("the pods of a gateway behind the gateway", () => {
  it("are told of when they come and go", async () => {
    await using behind = await openGateway({}, { listen: ["https://127.0.0.1:0", "127.0.0.1:0"] });
    await using home = await KubectlHome.create(behind.url, await behind.readState("tls.crt"));
    const request = createRequester(behind.gateway.urls[1] ?? "");
    const runtime = createKubernetesRuntime("behind", { kubeconfig: join(home.dir, "config"), namespaces: ["sessions"] });
    assert.deepEqual(await runtime.targets(), []);
    const body = { command: ["cat"], stdin: true, keepMs: 60_000 };
    const { id } = (await request("/v1/sessions", { method: "POST", body })).json as { id: string };
    await untilSeen(runtime, `sessions/${id.toLowerCase()}/session`);
    await request(`/v1/sessions/${id}`, { method: "DELETE" });
    await untilSeen(runtime);
    await assert.rejects(start(runtime, `behind:sessions/${id.toLowerCase()}`, { command: ["true"] }), code("TARGET_NOT_FOUND"));
    await runtime.close();
  });
});
