import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request as sendPlain } from "node:http";
import { type RequestOptions, request as sendRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import { makeAuthority, makeLeaf, type Pair } from "../fixtures/certificates.ts";
import { ExecClient } from "../fixtures/exec-client.ts";
import { openGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem, type HttpAnswer, readAnswer } from "../fixtures/http-answer.ts";
import { until } from "../fixtures/until.ts";

const serverNames = [{ type: 7 as const, ip: "127.0.0.1" }];

/** A folder with the certificates of a gateway, and the authority that signs those of its clients. */
async function makeFiles(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), "execgate-tls-"));
  t.after(() => rm(dir, { recursive: true }));
  const files = { certFile: join(dir, "tls.crt"), keyFile: join(dir, "tls.key"), clientCaFile: join(dir, "ca.crt") };
  const authority = await makeAuthority("clients");
  const own = await makeAuthority("servers");
  const write = async (pair: Pair): Promise<void> => {
    await writeFile(files.keyFile, pair.key);
    await writeFile(files.certFile, pair.cert);
  };
  await write(await makeLeaf(own, { use: "serverAuth", commonName: "first", names: serverNames }));
  await writeFile(files.clientCaFile, authority.cert);
  return { files, authority, own, write };
}

function ask(url: string, path: string, pair: Partial<Pair> = {}, options: RequestOptions = {}): Promise<HttpAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = sendRequest({ host: hostname, port, path, agent: false, rejectUnauthorized: false, ...pair, ...options }, (answer) =>
      readAnswer(answer).then(resolve, reject),
    );
    sent.on("error", reject);
    sent.end();
  });
}

async function shownCertificate(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

const whoAmI = async (url: string, pair: Pair, options: RequestOptions = {}) => {
  const answer = await ask(url, "/v1/info", pair, options);
  return answer.status === 200 ? (answer.json as { principal: { subject: string } }).principal.subject : answer.status;
};

test("a client certificate says who it is by its email, else its URI, else its DNS name", async (t) => {
  const { files, authority } = await makeFiles(t);
  await using served = await openGateway({ tls: files, auth: {} }, { listen: ["https://127.0.0.1:0"], hasOwner: false });
  const email = { type: 1 as const, value: "alice@example.com" };
  const uri = { type: 6 as const, value: "spiffe://example.com/ns/prod/sa/runner" };
  const dns = { type: 2 as const, value: "runner.example.com" };
  for (const [names, subject] of [
    [[dns, uri, email, { ...email, value: "bob@example.com" }], "user:alice@example.com"],
    [[dns, uri], "user:spiffe://example.com/ns/prod/sa/runner"],
    [[dns], "user:runner.example.com"],
    [[{ type: 2 as const, value: "a, email:alice@example.com" }], 401],
    [[{ type: 7 as const, ip: "127.0.0.1" }], 401],
    [[{ type: 2 as const, value: "owner" }], 401],
    [[], 401],
  ] as const) {
    const pair = await makeLeaf(authority, { names, commonName: "alice@example.com" });
    assert.equal(await whoAmI(served.url, pair), subject, JSON.stringify(names));
  }
});

test("a certificate of another authority, of a server, or past its end is refused in words, and no certificate too", async (t) => {
  const { files, authority } = await makeFiles(t);
  await using served = await openGateway({ tls: files, auth: {} }, { listen: ["https://127.0.0.1:0"], hasOwner: false });
  const names = [{ type: 1 as const, value: "alice@example.com" }];
  const other = await makeAuthority("clients");
  for (const [pair, why] of [
    [await makeLeaf(other, { names }), /not trusted/],
    [await makeLeaf(authority, { names, use: "serverAuth" }), /not trusted/],
    [await makeLeaf(authority, { names, notAfter: new Date(Date.now() - 1000) }), /not trusted: CERT_HAS_EXPIRED/],
    [{}, /Send the token/],
  ] as const) {
    assert.match(assertProblem(await ask(served.url, "/v1/info", pair), 401, "UNAUTHENTICATED").detail, why);
  }
});

test("a bearer that is not valid is not made up for by a certificate that is", async (t) => {
  const { files, authority } = await makeFiles(t);
  await using served = await openGateway({ tls: files }, { listen: ["https://127.0.0.1:0"] });
  const pair = await makeLeaf(authority, { names: [{ type: 1, value: "alice@example.com" }] });
  assert.equal(await whoAmI(served.url, pair), "user:alice@example.com");
  assert.equal(await whoAmI(served.url, pair, { headers: { authorization: "Bearer wrong" } }), 401);
  assert.equal(await whoAmI(served.url, pair, { headers: { authorization: "Basic eDp5" } }), 401);
  assert.equal(await whoAmI(served.url, pair, { headers: { authorization: `Bearer ${testToken}` } }), "user:owner");
});

test("a chain through an authority in between leads to the one that is configured", async (t) => {
  const { files, authority } = await makeFiles(t);
  await using served = await openGateway({ tls: files, auth: {} }, { listen: ["https://127.0.0.1:0"] });
  const between = await makeAuthority("between", authority);
  const leaf = await makeLeaf(between, { names: [{ type: 1, value: "alice@example.com" }] });
  assert.equal(await whoAmI(served.url, { key: leaf.key, cert: `${leaf.cert}\n${between.cert}` }), "user:alice@example.com");
});

describe("what changes in time", { concurrency: true }, () => {
  test("the end of a certificate, or of its authority, ends its session with 4401", async (t) => {
    const { files, authority } = await makeFiles(t);
    await using served = await openGateway({ tls: files, auth: {} }, { listen: ["https://127.0.0.1:0"] });
    const names = [{ type: 1 as const, value: "alice@example.com" }];
    const open = async (pair: Pair): Promise<ExecClient> => {
      const client = new ExecClient(
        new WebSocket(`${served.url.replace("http", "ws")}/v1/exec?command=cat`, { ...pair, rejectUnauthorized: false }),
      );
      await client.control("attached");
      return client;
    };
    using short = await open(await makeLeaf(authority, { names, notAfter: new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000) }));
    using long = await open(await makeLeaf(authority, { names }));
    assert.equal((await short.closed).code, 4401);
    assert.equal(long.ws.readyState, WebSocket.OPEN);
    await writeFile(files.clientCaFile, (await makeAuthority("clients")).cert);
    assert.equal((await long.closed).code, 4401);
    assert.equal((await long.control("error")).code, "UNAUTHENTICATED");
  });

  test("files that change are used by the connections to come; those that are no pair leave the old ones", async (t) => {
    const { files, own, write } = await makeFiles(t);
    const { clientCaFile: _, ...tls } = files;
    await using served = await openGateway({ tls }, { listen: ["https://127.0.0.1:0"] });
    assert.equal(await shownCertificate(served.url), "first");
    const [second, third] = await Promise.all(
      ["second", "third"].map((commonName) => makeLeaf(own, { use: "serverAuth", commonName, names: serverNames })),
    );
    assert.ok(second !== undefined && third !== undefined);
    await write(second);
    await until("second certificate", async () => (await shownCertificate(served.url)) === "second");
    const refused = () => served.logLines.filter(({ msg }) => String(msg).includes("could not be read again"));
    for (const [file, content, why] of [
      [files.keyFile, third.key, /is not the key of the certificate/],
      [files.keyFile, "no key", /tls\.keyFile: .* expected a private key in PEM/],
      [files.certFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", /tls\.certFile: .* expected a certificate/],
    ] as const) {
      const before = refused().length;
      await writeFile(file, content);
      await until("refusal of the files", () => refused().length > before);
      assert.match(String(refused().at(-1)?.reason), why);
      assert.equal(await shownCertificate(served.url), "second");
    }
    await write(third);
    await until("third certificate", async () => (await shownCertificate(served.url)) === "third");
  });
});

test("files of TLS that are no good stop the start", async (t) => {
  const { files, authority } = await makeFiles(t);
  const start = () => openGateway({ tls: files }, { listen: ["https://127.0.0.1:0"] });
  await writeFile(files.keyFile, authority.key);
  await assert.rejects(start(), { name: "ConfigError", message: /is not the key of the certificate/ });
  await rm(files.keyFile);
  await assert.rejects(start(), { name: "ConfigError", message: /tls: ENOENT/ });
});

test("TLS 1.1 is not spoken, TLS 1.2 and 1.3 are", async (t) => {
  const { files } = await makeFiles(t);
  await using served = await openGateway({ tls: files }, { listen: ["https://127.0.0.1:0"] });
  const { port } = new URL(served.url);
  const speak = (version: string) =>
    new Promise<boolean>((resolve) => {
      const options = ["s_client", "-connect", `127.0.0.1:${port}`, version, "-cipher", "ALL@SECLEVEL=0"];
      // It ends with its stdin, once it has shaken hands.
      execFile("openssl", options, (error) => resolve(error === null)).stdin?.end();
    });
  assert.deepEqual(await Promise.all(["-tls1_1", "-tls1_2", "-tls1_3"].map(speak)), [false, true, true]);
});

test("a unix socket has its mode from the first moment on, and asks for no Host", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "execgate-unix-"));
  t.after(() => rm(dir, { recursive: true }));
  for (const [unixMode, mode] of [
    [undefined, 0o600],
    ["0660", 0o660],
  ] as const) {
    const path = join(dir, `socket-${mode}`);
    await using served = await openGateway({ ...(unixMode && { unixMode }) }, { listen: [`unix:${path}`] });
    assert.equal((await stat(path)).mode & 0o777, mode);
    assert.match(served.url, /^http\+unix:/);
    const headers = { authorization: `Bearer ${testToken}`, host: "rebound.example" };
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      sendPlain({ socketPath: path, path: "/v1/info", headers }, (got) => resolve(got.resume().statusCode))
        .on("error", reject)
        .end();
    });
    assert.equal(answer, 200);
  }
});

test("a unix socket speaks TLS with https:// in front", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "execgate-unix-"));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, "socket");
  await using served = await openGateway({}, { listen: [`https://unix:${path}`] });
  assert.equal(served.url, `https+unix:${path}`);
  const headers = { authorization: `Bearer ${testToken}` };
  const answer = await new Promise<HttpAnswer>((resolve, reject) => {
    sendRequest({ socketPath: path, path: "/v1/info", headers, rejectUnauthorized: false }, (got) => resolve(readAnswer(got)))
      .on("error", reject)
      .end();
  });
  assert.equal(answer.status, 200);
});
