import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createDockerRuntime } from "../../../src/runtimes/docker/index.ts";
import { run } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";
import { ContainerDaemons, hasContainers } from "../../fixtures/container-daemons.ts";
import { freePort } from "../../fixtures/free-port.ts";
import { skipWithout } from "../../fixtures/require.ts";

describe("docker over TCP", { skip: skipWithout("docker", hasContainers) }, () => {
  test("is spoken with by certificates of both sides, half-close and terminals included", async () => {
    const directory = await mkdtemp(join(tmpdir(), "execgate-docker-tls-"));
    const file = async (name: string, text: string) => {
      await writeFile(join(directory, name), text);
      return join(directory, name);
    };
    const authority = await makeAuthority("daemons");
    const server = await makeLeaf(authority, { use: "serverAuth", names: [{ type: 7, ip: "127.0.0.1" }] });
    const client = await makeLeaf(authority, { use: "clientAuth" });
    const stranger = await makeLeaf(await makeAuthority("others"), { use: "clientAuth" });
    const caFile = await file("ca.pem", authority.cert);
    const [certFile, keyFile] = [await file("server.pem", server.cert), await file("server.key", server.key)];
    const port = await freePort();
    const tls = ["--tlsverify", "--tlscacert", caFile, "--tlscert", certFile, "--tlskey", keyFile];
    await using daemons = await ContainerDaemons.start({ dockerd: ["-H", `tcp://127.0.0.1:${port}`, ...tls] });
    await daemons.container("web");
    const host = `tcp://127.0.0.1:${port}`;
    const own = { caFile, certFile: await file("client.pem", client.cert), keyFile: await file("client.key", client.key) };
    const runtime = createDockerRuntime("edge1", { host, tls: own });
    const { stdout, exit } = await run(runtime, "edge1:web", { command: ["sh", "-c", "cat; exit 3"] }, Buffer.alloc(300_000, "x"));
    assert.deepEqual([stdout.length, exit.code], [300_000, 3]);
    const shown = await run(runtime, "edge1:web", { command: ["stty", "size"], tty: { cols: 90, rows: 30 } });
    assert.equal(shown.stdout.toString(), "30 90\r\n");
    await runtime.close();
    const foreign = { caFile, certFile: await file("foreign.pem", stranger.cert), keyFile: await file("foreign.key", stranger.key) };
    for (const given of [foreign, { ...own, certFile: "/nowhere" }, { ...own, caFile: foreign.certFile }]) {
      const refused = createDockerRuntime("edge1", { host, tls: given });
      await assert.rejects(refused.resolve("edge1:web"), code("RUNTIME_UNAVAILABLE"));
      await refused.close();
    }
    await rm(directory, { recursive: true });
  });
});
