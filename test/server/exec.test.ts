import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bestOf } from "../fixtures/best-of.ts";
import { bytesOf, openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { isAlive, processesWith, uniqueSleep, until } from "../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway({ limits: { drainMs: 100 } });
});
after(() => served[Symbol.asyncDispose]());

const sh = (script: string, more: object = {}) => served.exec({ command: ["sh", "-c", script], ...more });

test("the answer has the fields of the contract, in their order and no other", async () => {
  const answer = await served.exec({ command: ["sh", "-c", "printf 'hi\\n'; exit 7"] });
  const { id, durationMs, ...rest } = answer as typeof answer & { startedAt: string };
  const { startedAt } = rest;
  assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  assert.ok(durationMs > 0 && durationMs < 5000);
  assert.match(startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Math.abs(Date.now() - Date.parse(startedAt)) < 10_000);
  const empty = { data: "", encoding: "utf8", bytes: 0, truncated: false };
  assert.deepEqual(
    { ...rest, startedAt: "" },
    {
      target: "host",
      outcome: "exited",
      exitCode: 7,
      signal: null,
      endedBy: null,
      stdout: { data: "hi\n", encoding: "utf8", bytes: 3, truncated: false },
      stderr: empty,
      startedAt: "",
      drained: true,
      termination: null,
    },
  );
  const order = "id target outcome exitCode signal endedBy stdout stderr startedAt durationMs drained termination";
  assert.deepEqual(Object.keys(answer), order.split(" "));
});

test("the answer is plain JSON over curl's --json, and says its type", async () => {
  const headers = { "content-type": "application/json; charset=utf-8", accept: "application/json" };
  const answer = await served.request("/v1/exec", { method: "POST", headers, body: { command: ["true"], target: "host" } });
  assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/json; charset=utf-8"]);
});

test("a command is never given to a shell", async () => {
  assert.equal((await served.exec({ command: ["printf", "%s", "$(id); *"] })).stdout.data, "$(id); *");
});

test("stdin is written and closed, as text or base64, and empty without", async () => {
  assert.equal((await served.exec({ command: ["cat"], stdin: "grün\0\n", encoding: "utf8" })).stdout.data, "grün\0\n");
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const answer = await served.exec({ command: ["cat"], stdin: all.toString("base64"), stdinEncoding: "base64" });
  assert.deepEqual([answer.stdout.encoding, bytesOf(answer.stdout)], ["base64", all]);
  assert.equal((await served.exec({ command: ["wc", "-c"] })).stdout.data.trim(), "0");
});

test("stdin that the command does not read delays nothing", async () => {
  assert.equal((await served.exec({ command: ["true"], stdin: "x".repeat(900_000) })).exitCode, 0);
});

test("env is added to the target's own, cwd is where the command runs", async () => {
  const answer = await sh('echo "$A|$PATH"; pwd', { env: { A: "b c=d" }, cwd: "/usr/lib" });
  assert.match(answer.stdout.data, /^b c=d\|\/.*\n\/usr\/lib\n$/);
});

test("a terminal has the asked size, joins the streams, and names itself", async () => {
  const answer = await sh('stty size; echo "$TERM"; echo err >&2', { tty: true, cols: 91, rows: 31 });
  assert.equal(answer.stdout.data, "31 91\r\nxterm-256color\r\nerr\r\n");
  assert.equal(answer.stderr.bytes, 0);
  assert.equal((await sh("stty size; echo $TERM", { tty: true, env: { TERM: "dumb" } })).stdout.data, "24 80\r\ndumb\r\n");
});

test("stdin on a terminal is followed by the end of file", async () => {
  assert.equal((await sh("stty -echo; cat", { tty: true, stdin: "line\n" })).exitCode, 0);
  assert.equal((await sh("cat", { tty: true })).exitCode, 0);
});

test("a signal is an exit of 128 + n with its name", async () => {
  const answer = await sh("kill -9 $$");
  assert.deepEqual([answer.outcome, answer.exitCode, answer.signal], ["exited", 137, "SIGKILL"]);
});

test("a timeout of 300 ms gives the output so far within 600 ms", async () => {
  const sleep = uniqueSleep();
  const tookMs = await bestOf(600, async () => {
    const began = performance.now();
    const answer = await sh(`echo early; sleep ${sleep}; echo late`, { timeoutMs: 300 });
    assert.deepEqual([answer.outcome, answer.exitCode, answer.endedBy, answer.stdout.data], ["timeout", null, null, "early\n"]);
    assert.match(String(answer.termination), /^(verified|bestEffort)$/);
    return performance.now() - began;
  });
  assert.ok(tookMs >= 300 && tookMs < 600, `${tookMs} ms`);
  await until("end of the tree", () => processesWith(sleep).length === 0, 2000);
});

test("a child that holds the streams delays the answer by the drain time only, and is ended", async () => {
  const sleep = uniqueSleep();
  const tookMs = await bestOf(500, async () => {
    const began = performance.now();
    const answer = await sh(`sleep ${sleep} & echo hi`);
    assert.deepEqual([answer.outcome, answer.exitCode, answer.stdout.data, answer.drained], ["exited", 0, "hi\n", false]);
    return performance.now() - began;
  });
  assert.ok(tookMs < 500, `${tookMs} ms`);
  await until("end of the child", () => processesWith(sleep).length === 0, 2000);
});

test("descendants that are left live on", async (t) => {
  const answer = await sh(`sleep ${uniqueSleep()} & echo $!`, { descendants: "leave" });
  const pid = Number(answer.stdout.data);
  t.after(() => process.kill(pid, "SIGKILL"));
  assert.equal(answer.drained, false);
  assert.ok(isAlive(pid));
});

test("a client that goes ends its command", async () => {
  const sleep = uniqueSleep();
  const gone = new AbortController();
  const answer = served.request("/v1/exec", { method: "POST", body: { command: ["sleep", sleep] }, signal: gone.signal });
  await until("command", () => processesWith(sleep).length > 0);
  gone.abort();
  await assert.rejects(answer);
  await until("end of the command", () => processesWith(sleep).length === 0, 2000);
  await until("line in the log", () => served.logLines.some((line) => line.endedBy === "disconnect"));
});

test("a command may have all of 1024 items, and all of 128 KiB", async () => {
  const items = await served.exec({ command: ["sh", "-c", "echo $#", ...Array.from({ length: 1021 }, () => "a")] });
  assert.equal(items.stdout.data, "1020\n");
  const [half, rest] = ["a".repeat(65_536), "b".repeat(65_536 - "echo".length)];
  assert.equal((await served.exec({ command: ["echo", half, rest] })).stdout.bytes, 131_072 - "echo".length + " \n".length);
  const more = await served.request("/v1/exec", { method: "POST", body: { command: ["echo", half, `${rest}b`] } });
  assertProblem(more, 400, "BAD_REQUEST", "command");
});

test("what was not started is a refusal with its field", async () => {
  const post = (body: object) => served.request("/v1/exec", { method: "POST", body });
  assertProblem(await post({ command: ["no-such-command"] }), 422, "COMMAND_NOT_FOUND", "command");
  assertProblem(await post({ command: ["/etc/passwd"] }), 422, "COMMAND_NOT_EXECUTABLE", "command");
  assertProblem(await post({ command: ["true"], cwd: "/no/such" }), 422, "CWD_NOT_FOUND", "cwd");
  assertProblem(await post({ command: ["true"], target: "host:elsewhere" }), 404, "TARGET_NOT_FOUND");
  assertProblem(await post({ command: ["true"], target: "docker:web" }), 404, "TARGET_NOT_FOUND");
  const asOther = await post({ command: ["true"], user: "no-such-user" });
  assert.ok([403, 422].includes(asOther.status), asOther.text);
});

test("each refusal counts under its code", async () => {
  const before = await served.metric("execgate_refused_total", 'code="COMMAND_NOT_FOUND"');
  await served.request("/v1/exec", { method: "POST", body: { command: ["no-such-command"] } });
  assert.equal(await served.metric("execgate_refused_total", 'code="COMMAND_NOT_FOUND"'), before + 1);
});

test("the output of an answered one-shot is not kept, its end is", async () => {
  const { id } = await sh("echo secret");
  const session = await served.request(`/v1/sessions/${id}`);
  assert.equal((session.json as { state: string }).state, "ended");
  assert.equal((await served.request(`/v1/sessions/${id}/output`)).text, "");
  assert.doesNotMatch((await served.request(`/v1/sessions/${id}/result`)).text, /secret/);
});
