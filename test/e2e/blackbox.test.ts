import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { freePort } from "../fixtures/free-port.ts";
import { openGateway, sumOf, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { skipWithout } from "../fixtures/require.ts";

const program = "/usr/bin/prometheus-blackbox-exporter";

const modules = {
  modules: {
    // As it comes: 2xx is well. And one that reads what the answer says, with a credential.
    open: { prober: "http", timeout: "4s" },
    status: { prober: "http", timeout: "4s", http: { bearer_token: testToken, fail_if_body_not_matches_regexp: ['"status":"pass"'] } },
  },
};

describe("prometheus-blackbox-exporter", { skip: skipWithout("blackbox", existsSync(program)) }, () => {
  let [served, exporter, dir, url]: [TestGateway, Daemon, string, string] = [] as never;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "execgate-blackbox-"));
    await writeFile(join(dir, "blackbox.yml"), JSON.stringify(modules));
    const command = (script: string) => ({ target: "host", command: ["sh", "-c", script], timeoutMs: 500 });
    served = await openGateway({
      probes: {
        well: { ...command("true"), public: true },
        ill: { ...command("exit 1"), public: true },
        late: command("sleep 9"),
        shut: command("true"),
      },
    });
    const address = `127.0.0.1:${await freePort()}`;
    url = `http://${address}`;
    const flags = [`--config.file=${join(dir, "blackbox.yml")}`, `--web.listen-address=${address}`];
    exporter = await startDaemon([program, ...flags], `${url}/-/healthy`);
  });
  after(async () => {
    await exporter.stop();
    await served[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  /** What the exporter says of one of the probes. */
  async function probe(name: string, module: string): Promise<{ success: number; status: number }> {
    const target = encodeURIComponent(`${served.url}/v1/probes/${name}`);
    const text = await (await fetch(`${url}/probe?module=${module}&target=${target}`)).text();
    return { success: sumOf(text, "probe_success"), status: sumOf(text, "probe_http_status_code") };
  }

  it("reads public probes as they are", async () => {
    assert.deepEqual(await probe("well", "open"), { success: 1, status: 200 });
    assert.deepEqual(await probe("ill", "open"), { success: 0, status: 503 });
  });

  it("reads others with a token, and what they say", async () => {
    assert.deepEqual(await probe("shut", "status"), { success: 1, status: 200 });
    assert.deepEqual(await probe("late", "status"), { success: 0, status: 503 });
    assert.deepEqual(await probe("shut", "open"), { success: 0, status: 401 });
  });
});
