import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { pino } from "pino";
import { parse } from "yaml";
import { loadConfig } from "../src/config.ts";
import { errorTable } from "../src/errors.ts";
import { type Gateway, startGateway } from "../src/gateway.ts";
import { packageDir } from "../src/version.ts";

const readme = readFileSync(new URL("README.md", packageDir), "utf8");

/** A command of the README, and what it says that it prints. */
interface Example {
  readonly script: string;
  readonly kind: "json" | "text";
  readonly printed: string;
}

const examples: readonly Example[] = [...readme.matchAll(/```sh run\n(.*?)```\n\n```(json|text)\n(.*?)```/gs)].map(
  ([, script = "", kind = "", printed = ""]) => ({ script, kind: kind as Example["kind"], printed }),
);

describe("the README", () => {
  let gateway: Gateway;
  let home: string;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), "execgate-readme-"));
    const config = loadConfig({ argv: ["--listen", "127.0.0.1:0"], env: { XDG_STATE_HOME: home } });
    gateway = await startGateway(config, pino({ level: "silent" }));
  });
  after(async () => {
    await gateway.shutdown(AbortSignal.abort());
    await rm(home, { recursive: true });
  });

  it("has examples that are run", () => assert.ok(examples.length >= 3));

  for (const [index, example] of examples.entries()) {
    it(`prints what example ${index + 1} says`, { timeout: 30_000 }, async () => {
      const printed = await run(example.script, gateway.urls[0] ?? "", home);
      if (example.kind === "json") assert.deepEqual(stable(JSON.parse(printed)), stable(JSON.parse(example.printed)));
      else assertLike(printed, example.printed);
    });
  }

  it("lists every error with its status and close code", () => {
    const documented = /<!-- errors -->\n(.*)<!-- \/errors -->/s.exec(readme)?.[1];
    assert.equal(documented, errorRows());
  });

  it("shows an auth section that can be used as it is", async () => {
    const file = join(home, "auth.yaml");
    await writeFile(file, /```yaml auth\n(.*?)```/s.exec(readme)?.[1] ?? "");
    const { auth } = loadConfig({ argv: ["--config", file], env: {} });
    assert.deepEqual([auth?.tokens.length, auth?.jwt.length], [1, 1]);
  });

  it("shows whole configurations that can be used as they are", async () => {
    const shown = [...readme.matchAll(/```yaml example\n(.*?)```/gs)].map(([, yaml = ""]) => yaml);
    assert.equal(shown.length, 7);
    for (const yaml of shown) {
      const file = join(home, "example.yaml");
      await writeFile(file, yaml);
      const { policy, probes, runtimes } = loadConfig({ argv: ["--config", file], env: {} });
      assert.ok(policy !== undefined || probes.length > 0 || runtimes.length > 1);
    }
  });

  it("shows the configuration with its defaults", () => {
    const shown = parse(/```yaml\n(.*?)```/s.exec(readme)?.[1] ?? "") as Record<string, unknown>;
    const config = loadConfig({ argv: [], env: {} });
    const { listen, runtimes, ...rest } = shown;
    assert.deepEqual(runtimes, Object.fromEntries(config.runtimes.map(({ name, options }) => [name, options])));
    assert.deepEqual(
      listen,
      config.listen.map((address) => address.text),
    );
    for (const [key, value] of Object.entries(rest)) assert.deepEqual(JSON.parse(JSON.stringify(config[key as "limits"])), value, key);
  });
});

/** Runs a script as a reader would, with the test's own gateway in the place of the one on port 8080. */
async function run(script: string, url: string, home: string): Promise<string> {
  const cli = `node ${new URL("dist/src/main.js", packageDir).pathname}`;
  const token = 'T=$(cat "$XDG_STATE_HOME/execgate/token")\n';
  const text = token + script.replaceAll("localhost:8080", new URL(url).host).replaceAll("npx execgate", cli);
  const env = { ...process.env, XDG_STATE_HOME: home, EXECGATE_SERVER: url };
  const { stdout } = await promisify(execFile)("bash", ["-euc", text], { env });
  return stdout;
}

/** An answer without what differs from run to run. */
function stable(answer: Record<string, unknown>): Record<string, unknown> {
  const { id, startedAt, durationMs, ...rest } = answer;
  assert.deepEqual([typeof id, typeof startedAt, typeof durationMs], ["string", "string", "number"]);
  return rest;
}

/** Compares line by line; `…` at the end of a line stands for any rest. */
function assertLike(printed: string, expected: string): void {
  const lines = printed.split("\n");
  for (const [index, line] of expected.split("\n").entries()) {
    if (line.endsWith("…")) assert.ok(lines[index]?.startsWith(line.slice(0, -1)), `${lines[index]} begins with ${line}`);
    else assert.equal(lines[index], line);
  }
}

function errorRows(): string {
  const rows = Object.entries(errorTable).map(([code, { status, close, title }]) => `| \`${code}\` | ${status} | ${close} | ${title} |`);
  return ["", "| code | HTTP | close | says |", "| --- | --- | --- | --- |", ...rows, "", ""].join("\n");
}
