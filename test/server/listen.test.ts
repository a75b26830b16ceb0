import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Descriptors } from "../../src/exec/descriptors.ts";
import { type Listener, openListener } from "../../src/server/listen.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";

let served: TestGateway;
let dir: string;
before(async () => {
  served = await openGateway();
  dir = await mkdtemp(join(tmpdir(), "execgate-listen-"));
});
after(async () => {
  await served[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

function open(path: string): Promise<Listener> {
  const options = { tls: undefined, unixMode: 0o600, descriptors: new Descriptors(), slowClientMs: 1000, headMs: 1000 };
  return openListener(served.gateway.app, { kind: "unix", path, tls: false, text: `unix:${path}` }, options);
}

test("a socket that a killed gateway left is taken over, one that somebody listens on is not", async () => {
  const path = join(dir, "socket");
  const leave = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await assert.rejects(promisify(execFile)(process.execPath, ["-e", leave]), { signal: "SIGKILL" });
  const listener = await open(path);
  await assert.rejects(open(path), { code: "EADDRINUSE" });
  await listener.close();
});

test("a file in the place of a socket is somebody's, and stays", async () => {
  const path = join(dir, "file");
  await writeFile(path, "somebody's");
  await assert.rejects(open(path), { code: "EADDRINUSE" });
  assert.equal(await readFile(path, "utf8"), "somebody's");
});
