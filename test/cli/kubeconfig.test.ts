import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const base64 = Buffer.from(certificate).toString("base64");

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "execgate-kubeconfig-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const run = (env: Record<string, string>, ...args: string[]) =>
  runToEnd(["kubeconfig", ...args], { ...createFakeTerminal("http://127.0.0.1:1"), env });

test("it names the https listener of this machine, its certificate and the owner's token", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "tls.crt"), certificate);
  writeFileSync(join(dir, "token"), "secret\n");
  const { status, stdout } = await run({ EXECGATE_STATE_DIR: dir });
  assert.equal(status, 0);
  assert.deepEqual(parse(stdout), {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "execgate", cluster: { server: "https://127.0.0.1:8443", "certificate-authority-data": base64 } }],
    users: [{ name: "execgate", user: { token: "secret" } }],
    contexts: [{ name: "execgate", context: { cluster: "execgate", user: "execgate" } }],
    "current-context": "execgate",
  });
});

test("a file that others could read holds the secret in secret afterwards", async (t) => {
  const file = join(folder(t), "kc");
  writeFileSync(file, "before", { mode: 0o644 });
  const { status, stdout } = await run({ EXECGATE_TOKEN: "secret" }, "-o", file);
  assert.deepEqual([status, stdout], [0, ""]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, "utf8"), /token: "secret"/);
});

test("another server is trusted by the file that is given, and by the system's certificates without one", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "tls.crt"), "that of this machine");
  writeFileSync(join(dir, "ca.crt"), certificate);
  const env = { EXECGATE_STATE_DIR: dir, EXECGATE_TOKEN: "secret" };
  const without = parse((await run(env, "--server", "https://exec.example.com/gate/")).stdout);
  assert.deepEqual(without.clusters[0].cluster, { server: "https://exec.example.com/gate" });
  const given = parse((await run(env, "--server", "https://exec.example.com", "--ca-file", join(dir, "ca.crt"))).stdout);
  assert.equal(given.clusters[0].cluster["certificate-authority-data"], base64);
});

test("a client certificate takes the place of the token", async (t) => {
  const file = join(folder(t), "client");
  writeFileSync(file, certificate);
  const env = { EXECGATE_STATE_DIR: "/nonexistent" };
  const { stdout } = await run(env, "--client-certificate", file, "--client-key", file);
  assert.deepEqual(parse(stdout).users[0].user, { "client-certificate-data": base64, "client-key-data": base64 });
  const half = await run(env, "--client-certificate", file);
  assert.equal(half.status, 255);
  assert.match(half.stderr, /go together/);
});

test("plain http, no token and a flag that is not known are refused in a line", async () => {
  const env = { EXECGATE_STATE_DIR: "/nonexistent" };
  assert.match((await run({ ...env, EXECGATE_SERVER: "http://127.0.0.1:8080", EXECGATE_TOKEN: "x" })).stderr, /plain http/);
  assert.match((await run(env)).stderr, /there is no token/);
  assert.match((await run(env, "--nonsense")).stderr, /nonsense/);
});
