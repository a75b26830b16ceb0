import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, it, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { loadConfig } from "../../src/config.ts";
import { packageDir } from "../../src/version.ts";
import { skipWithout } from "../fixtures/require.ts";

const pathOf = (name: string): string => fileURLToPath(new URL(`deploy/${name}`, packageDir));
const run = promisify(execFile);

interface Compose {
  readonly services: Readonly<Record<string, { readonly volumes?: readonly string[]; readonly stop_grace_period?: string }>>;
}

test("the gateway's configuration of the compose file can be used as it is", () => {
  const { listen, policy, probes, auth } = loadConfig({ argv: ["--config", pathOf("compose/execgate.yaml")], env: {} });
  assert.deepEqual([listen.length, auth?.tokens.length, probes.length], [2, 1, 1]);
  assert.ok(
    policy?.isNear({ subject: "user:ops", groups: ["ops"], credential: "", expiresAt: undefined }, { id: "docker:web", labels: {} }, 0),
  );
});

describe("the compose file", { skip: skipWithout("docker-compose", existsSync("/usr/bin/docker-compose")) }, () => {
  it("is in order, and mounts files that are there", async () => {
    const { stdout } = await run("docker-compose", ["-f", pathOf("compose/compose.yaml"), "config"]);
    const { services } = parse(stdout) as Compose;
    assert.deepEqual(Object.keys(services).sort(), ["blackbox", "execgate", "prometheus"]);
    assert.equal(services.execgate?.stop_grace_period, "35s");
    const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(":")[0] ?? ""));
    const ours = mounted.filter((path) => path.startsWith(pathOf("")));
    assert.equal(ours.length, 4);
    assert.deepEqual(
      ours.filter((path) => !existsSync(path)),
      [],
    );
  });
});

test("what the blackbox exporter of the compose file is told can be used as it is", {
  skip: skipWithout("blackbox", existsSync("/usr/bin/prometheus-blackbox-exporter")),
}, async () => {
  const { stderr } = await run("prometheus-blackbox-exporter", ["--config.check", `--config.file=${pathOf("prometheus/blackbox.yml")}`]);
  assert.match(stderr, /Config file is ok/);
});
