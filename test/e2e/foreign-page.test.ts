import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as sendRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { openGateway, testToken } from "../fixtures/gateway.ts";
import { audience, openIssuer } from "../fixtures/issuer.ts";
import { launchChromium, withoutChromium as skip } from "./browser.ts";

const header = "cf-access-jwt-assertion";

/** A proxy that has signed the user of this browser in: whatever comes through it carries a valid credential. */
async function openProxy(t: TestContext, target: string, token: string): Promise<string> {
  const { hostname, port } = new URL(target);
  const server = createServer((request, response) => {
    const headers = { ...request.headers, [header]: token };
    const through = sendRequest({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    through.on("error", () => response.destroy());
    request.pipe(through);
  });
  server.on("upgrade", (request, socket) => {
    const headers = { ...request.headers, [header]: token };
    const through = sendRequest({ hostname, port, path: request.url, headers });
    through.on("upgrade", (answer, upstream, head) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\n${answer.rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `)).join("")}\r\n`,
      );
      socket.write(head);
      upstream.pipe(socket).pipe(upstream);
      socket.on("error", () => upstream.destroy());
      upstream.on("error", () => socket.destroy());
    });
    through.on("response", (answer) => {
      socket.end(`HTTP/1.1 ${answer.statusCode} refused\r\nconnection: close\r\n\r\n`);
      answer.resume();
    });
    through.on("error", () => socket.destroy());
    through.end();
  });
  return await listen(t, server);
}

/** A page of somebody else. */
async function openForeignPage(t: TestContext): Promise<string> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><p>free kittens"),
  );
  return await listen(t, server);
}

async function listen(t: TestContext, server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Everything that a page can try, with the credentials of the browser it runs in. Runs in the page. */
async function attack({ base, token }: { base: string; token: string }): Promise<string[]> {
  const got: string[] = [];
  const command = { command: ["true"] };
  const attempt = async (what: string, init: RequestInit, path = "/v1/exec"): Promise<void> => {
    const answer = await fetch(base + path, { credentials: "include", ...init }).catch(() => undefined);
    if (answer !== undefined && (answer.type !== "opaque" || answer.ok)) got.push(`${what}: ${answer.status}`);
  };
  const json = { "content-type": "application/json" };
  const withToken = { authorization: `Bearer ${token}` };
  await attempt("simple", { method: "POST", body: JSON.stringify(command), mode: "no-cors" });
  await attempt("text", { method: "POST", body: JSON.stringify(command), headers: { "content-type": "text/plain" } });
  await attempt("json", { method: "POST", body: JSON.stringify(command), headers: json });
  await attempt("bearer", { method: "POST", body: JSON.stringify(command), headers: { ...json, ...withToken } });
  await attempt("ticket", { method: "POST", body: JSON.stringify({ exec: command }), headers: json }, "/v1/tickets");
  await attempt("session", { method: "POST", body: JSON.stringify(command), headers: json }, "/v1/sessions");
  await attempt("get", {}, "/v1/sessions");
  const bearer = `base64url.bearer.authorization.k8s.io.${btoa(token).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_")}`;
  for (const protocols of [[], ["v1.execgate"], ["v1.execgate", bearer], ["v5.channel.k8s.io", bearer]]) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = new WebSocket(`${base.replace("http", "ws")}/v1/exec?command=true`, protocols);
      socket.onopen = () => resolve(true);
      socket.onclose = () => resolve(false);
    });
    if (isOpen) got.push(`socket ${protocols}`);
  }
  // What a page may load from anywhere, for which no origin is said.
  const image = new Image();
  const failed = new Promise((resolve) => image.addEventListener("error", resolve, { once: true }));
  image.src = `${base}/v1/sessions`;
  await failed;
  // A form of the page, sent into a frame.
  const frame = Object.assign(document.createElement("iframe"), { name: "frame" });
  const form = Object.assign(document.createElement("form"), {
    action: `${base}/v1/exec`,
    method: "POST",
    enctype: "text/plain",
    target: "frame",
  });
  form.append(Object.assign(document.createElement("input"), { name: '{"command":["true"],"stdin":"', value: '"}' }));
  document.body.append(frame, form);
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  form.submit();
  await loaded;
  return got;
}

test("a page of another origin starts nothing, though the browser it runs in has a valid credential", {
  skip,
  timeout: 60_000,
}, async (t) => {
  await using issuer = await openIssuer();
  const jwt = [{ issuer: issuer.url, audience, jwksUrl: issuer.jwksUrl, algorithms: ["ES256"], header }];
  await using served = await openGateway({ auth: { jwt }, behindProxy: true });
  const proxy = await openProxy(t, served.url, await issuer.sign());
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();

  // The credential is good: the gateway's own page needs no token here.
  await page.goto(proxy);
  await page.locator('#status[data-state="connected"]').waitFor();
  await page.goto("about:blank");
  const before = await served.metric("execgate_exec_start_seconds_count");
  assert.equal(before, 1);

  const foreign = await openForeignPage(t);
  await page.goto(foreign);
  assert.deepEqual(await page.evaluate(attack, { base: proxy, token: testToken }), []);
  // A page with no origin at all, and one by another name of this machine.
  await page.goto(foreign.replace("127.0.0.1", "localhost"));
  assert.deepEqual(await page.evaluate(attack, { base: proxy, token: testToken }), []);
  await page.goto(foreign);
  await page.evaluate(() =>
    document.body.append(
      Object.assign(document.createElement("iframe"), { id: "null", sandbox: "allow-scripts allow-forms", srcdoc: "<p>" }),
    ),
  );
  const sandboxed = await (await page.waitForSelector("#null")).contentFrame();
  assert.ok(sandboxed !== null);
  assert.deepEqual(await sandboxed.evaluate(attack, { base: proxy, token: testToken }), []);
  assert.equal(await served.metric("execgate_exec_start_seconds_count"), before);
  assert.ok((await served.metric("execgate_refused_total", 'code="FORBIDDEN"')) > 10);
});
