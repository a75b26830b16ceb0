import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { elsewhere } from "../fixtures/elsewhere.ts";
import { refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem, assertRefusal } from "../fixtures/http-answer.ts";
import { sendRaw } from "../fixtures/raw-socket.ts";
import { routesOf } from "../fixtures/routes.ts";

const page = "https://app.example.com";
let served: TestGateway;
let host: string;
before(async () => {
  const settings = { allowedOrigins: [page], publicUrls: ["https://exec.example.com/shell"] };
  // Every refused credential comes from an address of its own, as a proxy would tell it: guessing is tried elsewhere.
  served = await openGateway({ ...settings, behindProxy: true });
  host = new URL(served.url).host;
});
after(() => served[Symbol.asyncDispose]());

const isPage = (path: string): boolean => /^\/(favicon(-[a-z]+)?\.svg|style\.css|assets\/.*|shell)?$/.test(path);
const isPublic = (path: string, method: string): boolean =>
  (isPage(path) || path === "/healthz" || path === "/readyz") && ["GET", "HEAD"].includes(method);
const anyHost = ["/healthz", "/readyz", "/metrics"];
const command = "command=sh&command=-c&command=true";

test("the table of routes is the one that the other tests think it is", () => {
  const paths = new Set(routesOf(served.gateway.app).map(({ path }) => path));
  for (const path of ["/", "/v1/exec", "/v1/info", "/v1/sessions/01JD0000000000000000000000/attach", "/metrics", "/healthz"]) {
    assert.ok(paths.has(path), `${path} is not among ${[...paths].join(" ")}`);
  }
});

test("every route asks who it is, but those that are public", async () => {
  for (const { method, path } of routesOf(served.gateway.app)) {
    for (const authorization of [undefined, "Bearer wrong", "Basic b3duZXI6", "Bearer", "Bearer a b"]) {
      const answer = await served.request(path, { method, headers: { authorization, ...elsewhere() } });
      const where = `${method} ${path} ${authorization}`;
      if (path === "/shell" && isPublic(path, method)) assert.equal(answer.status, 308, where);
      else if (isPublic(path, method)) assert.equal(answer.status, 200, where);
      else assert.equal(answer.status, 401, where);
      if (answer.status === 401 && method !== "HEAD") assertRefusal(path, answer, 401, "UNAUTHENTICATED");
      assert.equal(answer.headers["www-authenticate"] !== undefined, answer.status === 401, where);
    }
  }
});

test("the path of a public URL leads to the page, with and without a slash at its end", async () => {
  const headers = { authorization: undefined, host: "exec.example.com" };
  const { status, headers: sent } = await served.request("/shell?from=mail", { headers });
  assert.deepEqual([status, sent.location], [308, "/shell/"]);
  assert.match((await served.request("/shell/", { headers })).headers["content-type"] ?? "", /^text\/html/);
});

test("the path of a public URL is that path alone, whatever is in it", async () => {
  const publicUrls = ["https://a.example/*", "https://a.example/x:y", "http://a.example/x:y/", "https://a.example/favicon.svg"];
  await using odd = await openGateway({ publicUrls });
  const statusOf = async (path: string) => (await odd.request(path, { headers: { authorization: undefined } })).status;
  assert.deepEqual(await Promise.all(["/x:y", "/xyz", "/nowhere", "/favicon.svg"].map(statusOf)), [308, 401, 401, 200]);
});

test("a path that is not there asks too", async () => {
  const answer = await served.request("/nowhere", { headers: { authorization: undefined } });
  assert.ok([401, 404].includes(answer.status));
  assertProblem(await served.request("/nowhere"), 404, "NOT_FOUND");
  assertProblem(await served.request("/v1/exec/"), 404, "NOT_FOUND");
  assertProblem(await served.request("/%2e%2e/%2e%2e/etc/passwd"), 404, "NOT_FOUND");
});

test("an upgrade asks too, on every path", async () => {
  for (const path of ["/v1/exec?command=true", "/v1/sessions/01JD0000000000000000000000/attach", "/v1/info", "/metrics"]) {
    assertProblem(await refusalOf(served.url + path, { token: "" }), 401, "UNAUTHENTICATED");
    assertProblem(await refusalOf(served.url + path, { token: "wrong", headers: elsewhere() }), 401, "UNAUTHENTICATED");
  }
});

test("what is no WebSocket is not upgraded, nor to anything else", async () => {
  const before = await served.metric("execgate_exec_start_seconds_count");
  for (const path of ["/v1/info", "/", "/healthz"]) assertProblem(await refusalOf(served.url + path), 400, "BAD_REQUEST", "Upgrade");
  const head = `Host: ${host}\r\nAuthorization: Bearer ${testToken}\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n`;
  for (const [start, status] of [
    [`GET /v1/exec?${command}`, 426],
    ["GET /v1/info", 200],
    ["POST /v1/exec", 400],
  ] as const) {
    const body = start.startsWith("POST") ? "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" : "\r\n";
    const answer = await sendRaw(served.url, `${start} HTTP/1.1\r\n${head}${body}`);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${start}: ${answer}`);
  }
  assert.equal(await served.metric("execgate_exec_start_seconds_count"), before);
});

test("another method is 405 with those that are known", async () => {
  for (const [method, path, allow] of [
    ["DELETE", "/v1/exec", "POST, GET, HEAD"],
    ["PUT", "/v1/sessions", "POST, GET, HEAD"],
    ["POST", "/v1/sessions/x", "GET, HEAD, DELETE"],
    ["GET", "/v1/sessions/x/signal", "POST"],
    ["POST", "/healthz", "GET, HEAD"],
    ["OPTIONS", "/v1/exec", "POST, GET, HEAD"],
  ] as const) {
    const answer = await served.request(path, { method });
    assertProblem(answer, 405, "METHOD_NOT_ALLOWED");
    assert.deepEqual(String(answer.headers.allow).split(", ").sort(), allow.split(", ").sort(), path);
  }
});

test("GET of a WebSocket's path is 426 and says what to upgrade to", async () => {
  for (const path of [`/v1/exec?${command}`, "/v1/sessions/01JD0000000000000000000000/attach"]) {
    const answer = await served.request(path);
    assertProblem(answer, 426, "UPGRADE_REQUIRED");
    assert.equal(answer.headers.upgrade, "websocket");
  }
});

test("headers over 256 KiB are 431, what is no HTTP 400", async () => {
  const large = await sendRaw(served.url, `GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${"x".repeat(300_000)}\r\n\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 .*application\/problem\+json.*"code":"HEADERS_TOO_LARGE"/s);
  assert.match(await sendRaw(served.url, "garbage\r\n\r\n"), /^HTTP\/1\.1 400 .*"code":"BAD_REQUEST"/s);
});

test("a head that two readers would read differently is refused", async () => {
  const authorization = `Authorization: Bearer ${testToken}`;
  const ask = (target: string, ...headers: string[]) =>
    sendRaw(served.url, `GET ${target} HTTP/1.1\r\n${[...headers, "Connection: close"].join("\r\n")}\r\n\r\n`);
  assert.match(await ask("/v1/info", "Host: localhost", authorization), /^HTTP\/1\.1 200 /);
  for (const [field, ...headers] of [
    ["Host", authorization],
    ["Host", "Host: localhost", "Host: rebound.example", authorization],
    ["authorization", "Host: localhost", authorization, "authorization: Bearer other"],
  ]) {
    assert.match(await ask("/v1/info", ...headers), new RegExp(`^HTTP/1\\.1 400 .*problem\\+json.*"field":"${field}"`, "s"));
  }
  const many = (count: number) => Array.from({ length: count }, () => "a: 1");
  assert.match(await ask("/v1/info", "Host: localhost", ...many(997), authorization), /^HTTP\/1\.1 200 /);
  const hidden = [...many(997), "Host: rebound.example"];
  assert.match(await ask("/v1/info", "Host: localhost", authorization, ...hidden), /^HTTP\/1\.1 431 .*"code":"HEADERS_TOO_LARGE"/s);
  assert.match(await ask("http://rebound.example/v1/info", "Host: localhost", authorization), /^HTTP\/1\.1 421 .*UNKNOWN_HOST/s);
  assert.match(await ask("http://localhost/v1/info", "Host: localhost", authorization), /^HTTP\/1\.1 200 /);
});

test("an expectation that is not known changes nothing", async () => {
  assert.equal((await served.request("/v1/info", { headers: { expect: "200-ok" } })).status, 200);
  assert.equal((await served.request("/v1/info", { headers: { expect: "200-ok", authorization: undefined } })).status, 401);
});

test("a name that is none of ours is 421 on every route that asks", async () => {
  for (const { method, path } of routesOf(served.gateway.app)) {
    const answer = await served.request(path, { method, headers: { host: "rebound.example" } });
    const where = `${method} ${path}`;
    if (anyHost.includes(path) && ["GET", "HEAD"].includes(method)) assert.notEqual(answer.status, 421, where);
    else assert.equal(answer.status, 421, where);
    if (answer.status === 421 && method !== "HEAD") assertRefusal(path, answer, 421, "UNKNOWN_HOST");
  }
});

test("names near ours are not ours; addresses, localhost and public names are, at any port", async () => {
  const ask = async (name: string) => (await served.request("/v1/info", { headers: { host: name } })).status;
  const near = ["localhost.evil", "localhost.evil:80", "evil.localhost", "127.0.0.1.evil", "127.0.0.1@evil", "evil@127.0.0.1"];
  for (const name of [
    ...near,
    "exec.example.com.evil",
    "xexec.example.com",
    "example.com",
    "[evil]",
    "::1",
    "127.0.0.1:80:80",
    "127.0.0.1/x",
  ]) {
    assert.equal(await ask(name), 421, name);
  }
  for (const name of ["localhost", "LOCALHOST:1", "127.0.0.1", "10.1.2.3:9", "[::1]:8080", "exec.example.com", "Exec.Example.com:444"]) {
    assert.equal(await ask(name), 200, name);
  }
});

const foreign = () => [
  "null",
  "https://evil.example",
  `http://${host}.evil`,
  `http://${host}@evil`,
  `https://${host}`,
  `HTTP://${host}`,
  `http://${host}/`,
  `http://${host} `.trim().replace("127.0.0.1", "localhost"),
  `http://127.0.0.1:1`,
  "http://127.0.0.1",
  "https://app.example.com.evil",
  "https://app.example.com:443",
  "http://app.example.com",
  "https://APP.example.com",
  "https://exec.example.com.evil",
  "https://exec.example.com/shell",
  "https://exec.example.com ,null",
  `http://evil.example@${host}`,
  `http://${host.replace("127.0.0.1", "127.1")}`,
  `http://${host.replace("127.0.0.1", "2130706433")}`,
  `http://${host.replace("127.0.0.1", "[::ffff:127.0.0.1]")}`,
  `http://${host.replace("127.0.0.1", "127.0.0.1.evil.example")}`,
  `//${host}`,
  host,
  `ws://${host}`,
  "file://",
  "chrome-extension://abcdefghijklmnop",
  "https://app.example.com, https://evil.example",
  "",
];

test("an origin near ours is 403, before anything is started", async () => {
  const before = await served.metric("execgate_exec_start_seconds_count");
  for (const origin of foreign()) {
    assertProblem(await refusalOf(`${served.url}/v1/exec?${command}`, { headers: { origin } }), 403, "FORBIDDEN");
    const answer = await served.request("/v1/exec", { method: "POST", headers: { origin }, body: { command: ["true"] } });
    assertProblem(answer, 403, "FORBIDDEN");
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
  assert.equal(await served.metric("execgate_exec_start_seconds_count"), before);
});

test("our own origin, a public one and an allowed one get in", async () => {
  for (const origin of [`http://${host}`, "https://exec.example.com", page]) {
    assert.equal((await served.request("/v1/info", { headers: { origin } })).status, 200, origin);
  }
});

test("no answer is taken for another type than it says", async () => {
  for (const path of ["/", "/healthz", "/v1/info", "/nowhere", "/metrics"]) {
    assert.equal((await served.request(path)).headers["x-content-type-options"], "nosniff", path);
  }
});

test("an allowed origin gets CORS answers, also to its preflight and to refusals", async () => {
  const headers = { origin: page, authorization: undefined };
  const preflight = await served.request("/v1/exec", {
    method: "OPTIONS",
    headers: { ...headers, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type" },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers["access-control-allow-origin"], page);
  assert.match(String(preflight.headers["access-control-allow-methods"]), /POST/);
  assert.match(String(preflight.headers["access-control-allow-headers"]), /authorization, content-type/);
  assert.equal(preflight.headers["access-control-allow-credentials"], undefined);
  const refused = await served.request("/v1/exec", { method: "POST", headers });
  assert.deepEqual([refused.status, refused.headers["access-control-allow-origin"], refused.headers.vary], [401, page, "origin"]);
  const answer = await served.request("/v1/info", { headers: { origin: page } });
  assert.match(String(answer.headers["access-control-expose-headers"]), /location.*execgate-next-offset/);
});

test("the page has no CORS answer, no frame and no foreign content", async () => {
  const { headers } = await served.request("/", { headers: { authorization: undefined } });
  assert.equal(headers["access-control-allow-origin"], undefined);
  assert.match(String(headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(headers["x-content-type-options"], "nosniff");
});

test("the page's files go out compressed to whoever takes that", async () => {
  const get = (path: string, encodings: string | undefined) =>
    served.request(path, { headers: { authorization: undefined, "accept-encoding": encodings } });
  const [plain, compressed] = [await get("/assets/main.js", undefined), await get("/assets/main.js", "br, gzip")];
  assert.deepEqual([plain.headers["content-encoding"], compressed.headers["content-encoding"]], [undefined, "gzip"]);
  assert.ok(Number(compressed.headers["content-length"]) < Number(plain.headers["content-length"]) / 2);
  assert.equal(compressed.headers["content-type"], plain.headers["content-type"]);
  for (const { headers } of [plain, compressed]) assert.match(String(headers.vary), /accept-encoding/i);
  assert.equal((await get("/", "gzip")).headers["content-encoding"], undefined);
  assertProblem(await served.request("/assets/main.js.gz"), 404, "NOT_FOUND");
});
