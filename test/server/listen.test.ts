import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Descriptors } from "../../src/exec/descriptors.ts";
import { type Listener, openListener } from "../../src/server/listen.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { connectRaw } from "../fixtures/raw-socket.ts";
import { until } from "../fixtures/until.ts";

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

/** A connection to the gateway, and the gateway's end of it. */
async function connectBoth(): Promise<{ client: Socket; server: Socket; answers: () => number }> {
  const accepted: Socket[] = [];
  const note = (message: unknown): void => void accepted.push((message as { socket: Socket }).socket);
  subscribe("net.server.socket", note);
  const client = await connectRaw(served.url);
  await until("the gateway's end", async () => accepted.length > 0);
  unsubscribe("net.server.socket", note);
  let said = "";
  client.on("data", (bytes) => {
    said += bytes.toString("latin1");
  });
  return { client, server: accepted[0] as Socket, answers: () => said.split("HTTP/1.1 ").length - 1 };
}

test("nothing of a request stays with its connection, also where its body comes behind the answer", async () => {
  const { client, server, answers } = await connectBoth();
  const before = server.listenerCount("close");
  for (let sent = 1; sent <= 3; sent++) {
    client.write("POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab");
    await until("the answer", async () => answers() === sent);
    client.write("cd");
  }
  await until("the connection as it was", async () => server.listenerCount("close") === before);
  client.destroy();
});

test("many requests at a time on one connection are no leak, and nothing but the log comes on stderr", async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  t.after(() => process.off("warning", note));
  const { client, answers } = await connectBoth();
  const body = JSON.stringify({ command: ["sleep", "0.2"] });
  const head = `POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${testToken}\r\nContent-Type: application/json`;
  client.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`.repeat(12));
  await until("all answers", async () => answers() === 12);
  assert.deepEqual(warnings, []);
  client.destroy();
});
