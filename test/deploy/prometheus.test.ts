import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { packageDir } from "../../src/version.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { dial } from "../fixtures/exec-client.ts";
import { freePort } from "../fixtures/free-port.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { skipWithout } from "../fixtures/require.ts";
import { until } from "../fixtures/until.ts";

const deploy = fileURLToPath(new URL("deploy/", packageDir));
const rulesDir = join(deploy, "prometheus");

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string; readonly record?: string; readonly expr: string }[] }[];
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

const rules = (parse(readFileSync(join(rulesDir, "execgate.rules.yml"), "utf8")) as Rules).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(deploy, "grafana/execgate.json"), "utf8")) as Dashboard;
/** What the panels of the dashboard ask, with Grafana's variables filled in. */
const asked = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: expr.replaceAll("$__rate_interval", "5s").replaceAll("$instance", ".*") })),
);

/** The names of metrics in an expression, those of histograms without what their series end in. */
function metricsIn(expr: string): string[] {
  return (expr.match(/\b(?:execgate|process|nodejs)_[a-z0-9_]+\b/g) ?? []).map((name) => name.replace(/_bucket$/, ""));
}

const promtool = (...args: string[]) => promisify(execFile)("promtool", args, { cwd: rulesDir });

describe("what Prometheus and Grafana read", { skip: skipWithout("prometheus", existsSync("/usr/bin/prometheus")) }, () => {
  let [served, prometheus, dir, url]: [TestGateway, Daemon, string, string] = [] as never;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "execgate-prometheus-"));
    const probes = { beat: { target: "host", command: ["true"], intervalMs: 500 } };
    served = await openGateway({ metrics: { listen: "127.0.0.1:0" }, audit: { file: join(dir, "audit.log"), mode: "bestEffort" }, probes });
    await cp(join(rulesDir, "execgate.rules.yml"), join(dir, "execgate.rules.yml"));
    const config = {
      global: { scrape_interval: "250ms", evaluation_interval: "1s" },
      rule_files: ["execgate.rules.yml"],
      scrape_configs: [{ job_name: "execgate", static_configs: [{ targets: [new URL(served.gateway.metricsUrl ?? "").host] }] }],
    };
    await writeFile(join(dir, "prometheus.yml"), JSON.stringify(config));
    url = `http://127.0.0.1:${await freePort()}`;
    const flags = [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`, `--web.listen-address=${new URL(url).host}`];
    prometheus = await startDaemon(["/usr/bin/prometheus", ...flags], `${url}/-/ready`);
  });
  after(async () => {
    await prometheus.stop();
    await served[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  it("finds rules and configuration in order, and the rules do what their tests say", async () => {
    assert.match((await promtool("check", "rules", "execgate.rules.yml")).stdout, new RegExp(`SUCCESS: ${rules.length} rules found`));
    assert.match((await promtool("check", "config", "prometheus.yml")).stdout, /SUCCESS/);
    assert.match((await promtool("test", "rules", "execgate.rules.test.yml")).stdout, /SUCCESS/);
  });

  it("has a test in which it fires for every alert", () => {
    const tests = parse(readFileSync(join(rulesDir, "execgate.rules.test.yml"), "utf8")) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const fired = new Set(
      tests.tests.flatMap(({ alert_rule_test: cases }) => cases.filter((one) => one.exp_alerts.length > 0).map((one) => one.alertname)),
    );
    assert.deepEqual([...fired].sort(), rules.flatMap(({ alert }) => alert ?? []).sort());
  });

  it("names metrics that there are, and recording rules that are made", async () => {
    const { text } = await served.request("/metrics");
    const exprs = [...asked, ...rules].map(({ expr }) => expr);
    const there = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    assert.deepEqual(
      [...new Set(exprs.flatMap(metricsIn))].filter((name) => !there.has(name)),
      [],
    );
    const recorded = new Set(rules.map(({ record }) => record));
    assert.deepEqual(
      [...new Set(exprs.flatMap((expr) => expr.match(/\bexecgate:\w+:\w+/g) ?? []))].filter((name) => !recorded.has(name)),
      [],
    );
    const shown = new Set(asked.flatMap(({ expr }) => metricsIn(expr)));
    assert.deepEqual(
      [...there].filter((name) => name?.startsWith("execgate_") && !shown.has(name)),
      [],
      "every metric of ours is on the dashboard",
    );
  });

  /** How many series Prometheus answers with. */
  async function query(expr: string): Promise<number> {
    const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expr })}`);
    const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: { result: unknown[] } };
    assert.equal(status, "success", `${expr}: ${error}`);
    return data.result.length;
  }

  it("gets something to show in every panel from a gateway that is used", async () => {
    using client = await dial(`${served.url}/v1/exec?command=cat`);
    await client.control("attached");
    const use = async (): Promise<void> => {
      await served.exec({ command: ["sh", "-c", "echo hi; exit 3"] });
      await served.exec({ command: ["sleep", "9"], timeoutMs: 20 });
      await served.request("/v1/exec", { method: "POST", body: { command: [] } });
    };
    const empty = new Map(asked.map(({ title, expr }) => [expr, title]));
    await until(
      "something in every panel",
      async () => {
        await use();
        for (const expr of empty.keys()) if ((await query(expr)) > 0) empty.delete(expr);
        return empty.size === 0;
      },
      20_000,
    ).catch((cause: Error) => assert.fail(`${cause.message}: ${[...empty].join("\n")}`));
  });

  it("is quiet about a gateway that is well", async () => {
    const answer = await fetch(`${url}/api/v1/rules?type=alert`);
    const { data } = (await answer.json()) as { data: { groups: { rules: { name: string; state: string; health: string }[] }[] } };
    const alerts = data.groups.flatMap((group) => group.rules);
    assert.deepEqual(new Set(alerts.map(({ health }) => health)), new Set(["ok"]));
    assert.deepEqual(
      alerts.filter(({ state }) => state === "firing"),
      [],
    );
  });
});
