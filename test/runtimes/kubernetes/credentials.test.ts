import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { createKubernetesRuntime } from "../../../src/runtimes/kubernetes/index.ts";
import { start } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { makeAuthority, makeLeaf, type Pair } from "../../fixtures/certificates.ts";
import { GatewayProcess } from "../../fixtures/gateway-process.ts";
import { FakeCluster, podNamed, success } from "./fake-cluster.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("the credentials of a kubeconfig", () => {
  let authority: Pair;
  let server: Pair;
  let dir: string;
  before(async () => {
    authority = await makeAuthority("a cluster");
    server = await makeLeaf(authority, { use: "serverAuth", names: [{ type: 7, ip: "127.0.0.1" }] });
    dir = await mkdtemp(join(tmpdir(), "execgate-credentials-"));
  });
  after(() => rm(dir, { recursive: true }));

  const open = async (user: object, more: { tls?: object; cluster?: object } = {}) => {
    const cluster = await FakeCluster.start({
      tls: { ...server, ...more.tls },
      user,
      cluster: more.cluster ?? { "certificate-authority-data": base64(authority.cert) },
    });
    cluster.add(podNamed("web"));
    cluster.onExec = (exec) => {
      if (exec.query.getAll("command")[3] === "execgate") void exec.pass().then(() => exec.end(success));
      else exec.end(success);
    };
    return cluster;
  };

  /** Asks for a pod and runs a command in it; what both requests were sent with. */
  const use = async (cluster: FakeCluster): Promise<(string | undefined)[]> => {
    const runtime = cluster.runtime();
    const running = await start(runtime, "k:prod/web", { command: ["true"] });
    assert.equal((await running.exit).code, 0);
    running.release();
    const authorizations = cluster.requests.map(({ headers }) => headers.authorization);
    await runtime.close();
    return [...new Set(authorizations)];
  };

  it("are a token", async () => {
    await using cluster = await open({ token: "abc" });
    assert.deepEqual(await use(cluster), ["Bearer abc"]);
  });

  it("are a certificate of the client's", async () => {
    const client = await makeLeaf(authority, { commonName: "gateway" });
    const user = { "client-certificate-data": base64(client.cert), "client-key-data": base64(client.key) };
    await using cluster = await open(user, { tls: { ca: authority.cert, requestCert: true, rejectUnauthorized: true } });
    assert.deepEqual(await use(cluster), [undefined]);
    for (const { socket } of cluster.requests) assert.ok((socket as TLSSocket).authorized);
  });

  it("are a name and a password", async () => {
    await using cluster = await open({ username: "me", password: "it" });
    assert.deepEqual(await use(cluster), [`Basic ${base64("me:it")}`]);
  });

  it("are what a plugin says, which is asked again when it has expired", async () => {
    const plugin = join(dir, "plugin");
    const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential" };
    const status = JSON.stringify({ ...credential, status: { expirationTimestamp: "2000-01-01T00:00:00Z", token: "TOKEN" } });
    await writeFile(plugin, `#!/bin/sh\necho x >> ${dir}/asked\necho '${status}' | sed "s/TOKEN/$(wc -l < ${dir}/asked)/"\n`);
    await chmod(plugin, 0o755);
    await using cluster = await open({ exec: { apiVersion: credential.apiVersion, command: plugin, interactiveMode: "Never" } });
    assert.deepEqual(await use(cluster), ["Bearer 1", "Bearer 2", "Bearer 3"]);
  });

  it("that cannot be had are RUNTIME_UNAVAILABLE, as is a kubeconfig that is not there or names no server", async () => {
    await using cluster = await open({ exec: { apiVersion: "client.authentication.k8s.io/v1", command: join(dir, "none") } });
    await assert.rejects(cluster.runtime().resolve("k:prod/web"), code("RUNTIME_UNAVAILABLE"));
    await assert.rejects(cluster.runtime({ context: "none" }).targets(), code("RUNTIME_UNAVAILABLE"));
    await assert.rejects(cluster.runtime({ kubeconfig: join(dir, "none") }).targets(), code("RUNTIME_UNAVAILABLE"));
    await assert.rejects(createKubernetesRuntime("k", { namespaces: [] }).targets(), (error: Error) => {
      assert.match(error.message, /no service account of a pod here; name a kubeconfig/);
      return true;
    });
  });

  it("are given to no server that another authority vouches for", async () => {
    const other = await makeAuthority("another");
    await using cluster = await open({ token: "abc" }, { cluster: { "certificate-authority-data": base64(other.cert) } });
    await assert.rejects(cluster.runtime().resolve("k:prod/web"), code("RUNTIME_UNAVAILABLE"));
    assert.deepEqual(cluster.asked, []);
  });

  it("are those of the pod that the gateway runs in, when there is no kubeconfig", { skip: process.getuid?.() !== 0 }, async () => {
    await using cluster = await open({});
    const account = join(dir, "serviceaccount");
    await mkdir(account);
    await writeFile(join(account, "token"), "of the pod");
    await writeFile(join(account, "ca.crt"), authority.cert);
    await writeFile(join(account, "namespace"), "prod");
    // A file system of its own at the place where kubelets put the account.
    const place = "/run/secrets/kubernetes.io";
    const mount = `mount -t tmpfs none /run && mkdir -p ${place} && cp -r ${account} ${place} && exec "$@"`;
    await using gateway = await GatewayProcess.spawn({
      under: ["unshare", "--mount", "sh", "-c", mount, "sh"],
      settings: { runtimes: { kubernetes: {} } },
      env: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(cluster.port) },
    });
    const request = await gateway.requester();
    const { json } = await request("/v1/exec", { method: "POST", body: { target: "kubernetes:prod/web", command: ["true"] } });
    assert.deepEqual([(json as { outcome: string }).outcome, (json as { target: string }).target], ["exited", "kubernetes:prod/web/main"]);
    assert.ok(cluster.requests.length > 2);
    for (const { headers } of cluster.requests) assert.equal(headers.authorization, "Bearer of the pod");
  });

  it("cost a gateway nothing that has no such runtime", async () => {
    const coverage = join(dir, "loaded");
    await using gateway = await GatewayProcess.spawn({ env: { NODE_V8_COVERAGE: coverage } });
    await gateway.url();
    gateway.child.kill("SIGTERM");
    await gateway.exited;
    const [file = ""] = await readdir(coverage);
    const loaded = await readFile(join(coverage, file), "utf8");
    assert.match(loaded, /runtimes\/kubernetes\/index\.js/);
    assert.doesNotMatch(loaded, /@kubernetes\/client-node/);
  });
});
