import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createRequester, openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { findKubectls, KubectlHome } from "../fixtures/kubectl.ts";
import { skipWithout } from "../fixtures/require.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

const kubectl = findKubectls().find(({ minor }) => minor === undefined || minor >= 30);
const https = { listen: ["https://127.0.0.1:0"] };

let behind: TestGateway;
let toBehind: KubectlHome;
let served: TestGateway;
let home: KubectlHome;
before(async () => {
  behind = await openGateway({}, { listen: [...https.listen, "127.0.0.1:0"] });
  toBehind = await KubectlHome.create(behind.url, await behind.readState("tls.crt"));
  served = await openGateway(
    { runtimes: { far: { kind: "kubernetes", kubeconfig: join(toBehind.dir, "config"), namespaces: ["*"] } } },
    https,
  );
  home = await KubectlHome.create(served.url, await served.readState("tls.crt"));
});
after(async () => {
  for (const one of [home, served, toBehind, behind]) await one[Symbol.asyncDispose]();
});

describe("a kubectl in front of a gateway in front of a cluster", { skip: skipWithout("kubectl", kubectl !== undefined) }, () => {
  const run = (args: readonly string[], stdin: Buffer | string = "") => home.run(kubectl ?? assert.fail(), args, stdin);
  const exec = (...args: readonly string[]): string[] => ["exec", "-n", "far-default", ...args];

  test("lists what is far away beside what is near", async () => {
    const { status, stdout, stderr } = await run(["get", "pods", "-A", "-o", "wide"]);
    assert.equal(status, 0, stderr);
    assert.match(stdout.toString(), /^default +host .* host$/m);
    assert.match(stdout.toString(), /^far-default +host .* far:default\/host\/host$/m);
  });

  test("is told the exit code of what ran two gateways away, and all that it wrote", async () => {
    for (const code of [0, 7, 137]) {
      const { status, stdout, stderr } = await run(exec("host", "--", "sh", "-c", `seq 20000; echo err >&2; exit ${code}`));
      assert.equal(status, code, stderr);
      assert.equal(stdout.toString().split("\n").length, 20_001);
      assert.match(stderr, /^err\n/);
    }
    assert.notEqual((await run(exec("host", "--", "no-such-command"))).status, 0);
  });

  test("sends bytes there and back as they are", async () => {
    const bytes = randomBytes(2_000_000);
    const { status, stdout, stderr } = await run(exec("-i", "host", "--", "cat"), bytes);
    assert.equal(status, 0, stderr);
    assert.ok(stdout.equals(bytes));
  });

  test("killed in mid-stream, leaves no command behind two gateways away", async () => {
    const mark = uniqueSleep();
    const child = home.spawn(kubectl ?? assert.fail(), exec("host", "--", "sh", "-c", `yes & exec sleep ${mark}`));
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await until("end of the command", () => processesWith(`sleep\0${mark}`).length === 0, 2000);
  });

  test("watches what comes and goes far away", async (t) => {
    const request = createRequester(behind.gateway.urls[1] ?? "");
    const child = home.spawn(kubectl ?? assert.fail(), ["get", "pods", "-n", "far-sessions", "-w", "--output-watch-events"]);
    t.after(() => child.kill("SIGKILL"));
    let told = "";
    child.stdout.on("data", (text: Buffer) => {
      told += text;
    });
    const body = { command: ["cat"], stdin: true, keepMs: 60_000 };
    const { id } = (await request("/v1/sessions", { method: "POST", body })).json as { id: string };
    await until("word of its coming", () => new RegExp(`^ADDED +${id}`, "im").test(told));
    await request(`/v1/sessions/${id}`, { method: "DELETE" });
    await until("word of its end", () => new RegExp(`^DELETED +${id}`, "im").test(told));
  });
});
