import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { bestOf } from "../fixtures/best-of.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem, type HttpAnswer } from "../fixtures/http-answer.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway();
});
after(() => served[Symbol.asyncDispose]());

const post = (body: unknown, path = "/v1/exec", headers: Readonly<Record<string, string | undefined>> = {}) =>
  served.request(path, { method: "POST", body, headers });
const command = '"command":["true"]';

/** So many names that differ, and are short. */
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => i.toString(36));

/** Bodies, and the field that the refusal names. */
const bodies: readonly (readonly [string, unknown, string?])[] = [
  ["an unknown key", { command: ["true"], timeout: 5 }, "timeout"],
  ["a duplicate key", `{${command},${command}}`, "command"],
  ["a duplicate key in another spelling", `{${command},"\\u0063ommand":["false"]}`, "command"],
  ["a duplicate key below", `{${command},"env":{"A":"1","A":"2"}}`, "env.A"],
  ["__proto__", `{${command},"__proto__":{"tty":true}}`, "__proto__"],
  ["__proto__ in another spelling", `{${command},"\\u005f_proto__":{}}`, "__proto__"],
  ["__proto__ below", `{${command},"env":{"__proto__":"x"}}`, "env.__proto__"],
  ["more than 4096 names", `{${command},"env":{${names(4096).map((name) => `"${name}":"x"`)}}}`, "env"],
  ["a number as text", { command: ["true"], timeoutMs: "5" }, "timeoutMs"],
  ["a flag as text", { command: ["true"], tty: "true" }, "tty"],
  ["a flag as a number", { command: ["true"], tty: 1 }, "tty"],
  ["null for a text", { command: ["true"], cwd: null }, "cwd"],
  ["a text for the command", { command: "true" }, "command"],
  ["a number in the command", { command: ["sleep", 5] }, "command.1"],
  ["a number in env", { command: ["true"], env: { A: 1 } }, "env.A"],
  ["a list for env", { command: ["true"], env: ["A=1"] }, "env"],
  ["an equals sign in a variable's name", { command: ["true"], env: { "A=B": "1" } }, "env.A=B"],
  ["an empty name of a variable", { command: ["true"], env: { "": "1" } }, "env."],
  ["no command", { target: "host" }, "command"],
  ["an empty command", { command: [] }, "command"],
  ["an empty command[0]", { command: [""] }, "command.0"],
  ["1025 items", { command: Array.from({ length: 1025 }, () => "a") }, "command"],
  ["more than 128 KiB of arguments", { command: ["true", "x".repeat(131_072)] }, "command"],
  ["NUL in an argument", { command: ["true", "a\0b"] }, "command.1"],
  ["NUL in a variable", { command: ["true"], env: { A: "\0" } }, "env.A"],
  ["NUL in cwd", { command: ["true"], cwd: "/tmp\0" }, "cwd"],
  ["NUL in a name", { command: ["true"], env: { "A\0": "1" } }, "env.A\\0"],
  ["half a surrogate pair", `{"command":["true","\\ud800"]}`, "command.1"],
  ["half a surrogate pair in stdin", `{${command},"stdin":"\\udc00"}`, "stdin"],
  ["a relative cwd", { command: ["true"], cwd: "tmp" }, "cwd"],
  ["an empty cwd", { command: ["true"], cwd: "" }, "cwd"],
  ["no columns", { command: ["true"], tty: true, cols: 0 }, "cols"],
  ["65536 rows", { command: ["true"], tty: true, rows: 65_536 }, "rows"],
  ["half a column", { command: ["true"], tty: true, cols: 1.5 }, "cols"],
  ["a negative timeout", { command: ["true"], timeoutMs: -1 }, "timeoutMs"],
  ["a timeout beyond the maximum", { command: ["true"], timeoutMs: 86_400_001 }, "timeoutMs"],
  ["a timeout beyond all integers", `{${command},"timeoutMs":1e400}`, "timeoutMs"],
  ["more output than the maximum", { command: ["true"], outputBytesMax: 16_777_217 }, "outputBytesMax"],
  ["another end to keep", { command: ["true"], keep: "middle" }, "keep"],
  ["another encoding", { command: ["true"], encoding: "latin1" }, "encoding"],
  ["another encoding of stdin", { command: ["true"], stdinEncoding: "hex" }, "stdinEncoding"],
  ["stdin that is not base64", { command: ["true"], stdin: "a b!", stdinEncoding: "base64" }, "stdin"],
  ["another fate of descendants", { command: ["true"], descendants: "kill" }, "descendants"],
  ["an empty target", { command: ["true"], target: "" }, "target"],
  ["keepMs, which is for sessions", { command: ["true"], keepMs: 1 }, "keepMs"],
  ["a list", [{ command: ["true"] }]],
  ["null", "null"],
  ["a text", '"true"'],
  ["nothing", ""],
  ["no JSON", "command=true"],
  ["a comment", `{/* */${command}}`],
  ["a comma too many", `{${command},}`],
  ["two values", `{${command}}{}`],
  ["bytes that are no UTF-8", Buffer.from(`{"command":["true","\xff"]}`, "latin1")],
  ["a byte order mark", Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(`{${command}}`)])],
  ["17 levels", `${"[".repeat(17)}${"]".repeat(17)}`],
];

for (const [what, body, field] of bodies) {
  test(`${what} is refused`, async () => {
    assertProblem(await post(body), 400, "BAD_REQUEST", field);
  });
}

/** Fails unless the request is refused and the loop is busy with it for less than 50 ms. */
async function assertQuick(what: string, ask: () => Promise<HttpAnswer>): Promise<void> {
  const leastMs = await bestOf(50, async () => {
    const began = performance.eventLoopUtilization();
    const { status, text } = await ask();
    assert.equal(status, 400, text);
    return performance.eventLoopUtilization(began).active;
  });
  assert.ok(leastMs < 50, `${what}: ${leastMs} ms`);
}

test("a hostile megabyte does not hold the gateway for 50 ms", async () => {
  const units = ["[", "{", '{"a":', "]", ",", "/", '"', "\\", '{"a":{', "[,", "-", "0", "/*", '"\\u', " "];
  for (const unit of units) {
    const body = Buffer.from(unit.repeat(Math.floor(1_048_000 / unit.length)));
    await assertQuick(JSON.stringify(unit), () => post(body));
  }
  const many = Buffer.from(`{${command},"env":{${names(90_000).map((name) => `"${name}":"x"`)}}}`);
  await assertQuick("many names", () => post(many));
});

test("a hostile query does not hold the gateway for 50 ms, whoever sends it", async () => {
  for (const query of ["a&".repeat(120_000), names(40_000).join("&"), `a=${"%41".repeat(80_000)}`, `a=${"+".repeat(240_000)}`]) {
    await assertQuick(query.slice(0, 6), () => served.request(`/healthz?${query}`, { headers: { authorization: undefined } }));
  }
});

test("a body of 2 MB is 413, of another type 415", async () => {
  const large = "x".repeat(2_000_000);
  assertProblem(await post(large), 413, "BODY_TOO_LARGE");
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonl", undefined]) {
    const answer = await post(`{${command}}`, "/v1/exec", { "content-type": type });
    assertProblem(answer, 415, "UNSUPPORTED_MEDIA_TYPE");
  }
});

test("a packed body is 415, whatever is in it", async () => {
  const packed = gzipSync(`{${command}}`);
  assertProblem(await post(packed, "/v1/exec", { "content-encoding": "gzip" }), 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Encoding");
  assertProblem(await post(`{${command}}`, "/v1/exec", { "content-encoding": "br" }), 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Encoding");
  assertProblem(await post("{}", "/v1/exec", { "content-encoding": "identity" }), 400, "BAD_REQUEST", "command");
});

/** Paths of GET, and the field that the refusal names. */
const queries: readonly (readonly [string, string?])[] = [
  ["/v1/targets?limits=5", "limits"],
  ["/v1/info?x", "x"],
  ["/v1/sessions?limit=5&limit=6", "limit"],
  ["/v1/sessions?limit=-1", "limit"],
  ["/v1/sessions?limit=0", "limit"],
  ["/v1/sessions?limit=1e3", "limit"],
  ["/v1/sessions?limit=+5", "limit"],
  ["/v1/sessions?limit=", "limit"],
  ["/v1/sessions?state=dead", "state"],
  ["/v1/sessions?target=%ff", "target"],
  ["/v1/sessions?target=%00", "target"],
  ["/v1/sessions?target=%zz", "target"],
  ["/v1/sessions?target=%ED%A0%80", "target"],
  ["/v1/sessions?__proto__=1", "__proto__"],
  ["/v1/targets?label=web", "label"],
  ["/v1/targets?id=host&runtime=docker", "runtime"],
  ["/healthz?verbose=1", "verbose"],
];

for (const [path, field] of queries) {
  test(`${path} is refused`, async () => {
    assertProblem(await served.request(path), 400, "BAD_REQUEST", field);
  });
}

test("a path that is not well formed is refused", async () => {
  assertProblem(await served.request("/v1/sessions/%"), 400, "BAD_REQUEST");
  assertProblem(await served.request(`/v1/sessions/${"x".repeat(1025)}`), 404, "NOT_FOUND");
});

test("a POST takes no query", async () => {
  assertProblem(await post({ command: ["true"] }, "/v1/exec?tty=1"), 400, "BAD_REQUEST", "tty");
});

test("bad headers are named", async () => {
  const ask = (headers: Record<string, string>) => post({ command: ["true"] }, "/v1/exec", headers);
  assertProblem(await ask({ prefer: "wait=soon" }), 400, "BAD_REQUEST", "Prefer");
  assertProblem(await ask({ "idempotency-key": "a b" }), 400, "BAD_REQUEST", "Idempotency-Key");
  assertProblem(await ask({ "idempotency-key": "x".repeat(257) }), 400, "BAD_REQUEST", "Idempotency-Key");
  assertProblem(await ask({ accept: "text/html" }), 406, "NOT_ACCEPTABLE");
});

test("nothing of this has started a process", async () => {
  assert.equal(await served.metric("execgate_exec_start_seconds_count"), 0);
});
