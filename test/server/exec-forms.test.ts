import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ExecAnswer, openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway();
});
after(() => served[Symbol.asyncDispose]());

const post = (body: object, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal) =>
  served.request("/v1/exec", { method: "POST", body, headers, ...(signal && { signal }) });
const sh = (script: string, more: object = {}) => ({ command: ["sh", "-c", script], ...more });

type Line = Readonly<Record<string, unknown>> & { readonly type: string; readonly data: string; readonly encoding: BufferEncoding };
const lines = { accept: "application/x-ndjson" };

async function streamed(body: object): Promise<readonly Line[]> {
  const answer = await post(body, lines);
  assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/x-ndjson"], answer.text);
  assert.ok(answer.text.endsWith("\n"));
  return answer.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const dataOf = (all: readonly Line[], stream: string): Buffer =>
  Buffer.concat(all.filter(({ type }) => type === stream).map(({ data, encoding }) => Buffer.from(data, encoding)));

test("as lines: started first, both streams, exit last", async () => {
  const all = await streamed(sh("echo out; echo err >&2; exit 3"));
  const { type, target, id, startedAt } = all[0] as Line;
  assert.deepEqual([type, target], ["started", "host"]);
  assert.match(`${id} ${startedAt}`, /^[0-9A-Z]{26} \d{4}-.*Z$/);
  assert.deepEqual([dataOf(all, "stdout").toString(), dataOf(all, "stderr").toString()], ["out\n", "err\n"]);
  const { durationMs, ...exit } = all.at(-1) as Line;
  assert.equal(typeof durationMs, "number");
  assert.deepEqual(exit, {
    type: "exit",
    outcome: "exited",
    exitCode: 3,
    signal: null,
    endedBy: null,
    drained: true,
    termination: null,
    stdout: { bytes: 4, truncated: false },
    stderr: { bytes: 4, truncated: false },
  });
});

test("as lines: the cap cuts, any byte comes through, no character is split", async () => {
  const all = await streamed(sh("seq 1 50000", { outputBytesMax: 1000 }));
  assert.equal(dataOf(all, "stdout").length, 1000);
  assert.deepEqual(all.at(-1)?.stdout, { bytes: 288_894, truncated: true });
  const bytes = await streamed(sh("printf '\\377\\000a'"));
  assert.deepEqual(dataOf(bytes, "stdout"), Buffer.of(0xff, 0, 0x61));
  const split = await streamed(sh("printf '\\342\\202'; sleep 0.05; printf '\\254'"));
  assert.deepEqual([split[1]?.data, split[1]?.encoding], ["€", "utf8"]);
  const cut = await streamed(sh("printf 'a€'", { outputBytesMax: 2 }));
  assert.deepEqual([dataOf(cut, "stdout").toString(), cut.at(-1)?.stdout], ["a", { bytes: 4, truncated: true }]);
  const cutBytes = await streamed(sh("printf 'a€'", { outputBytesMax: 2, encoding: "base64" }));
  assert.deepEqual(dataOf(cutBytes, "stdout"), Buffer.of(0x61, 0xe2));
});

test("as lines: a refusal is still a problem, and what does not go together is said", async () => {
  assertProblem(await post({ command: ["no-such-command"] }, lines), 422, "COMMAND_NOT_FOUND", "command");
  assertProblem(await post(sh("true", { keep: "tail" }), lines), 400, "BAD_REQUEST", "keep");
  assertProblem(await post(sh("true"), { ...lines, prefer: "respond-async" }), 400, "BAD_REQUEST", "Prefer");
  assertProblem(await post(sh("true"), { ...lines, "idempotency-key": "k" }), 400, "BAD_REQUEST", "Idempotency-Key");
});

test("as lines: only for who asks for them", async () => {
  assert.equal((await post(sh("true"), { accept: "*/*" })).headers["content-type"], "application/json; charset=utf-8");
  const refused = await post(sh("true"), { accept: "application/x-ndjson;q=0, application/json" });
  assert.equal(refused.headers["content-type"], "application/json; charset=utf-8");
  assert.equal((await post(sh("true"), { accept: "Application/X-NDJSON" })).headers["content-type"], "application/x-ndjson");
});

test("of two forms that are accepted the one with more weight is given, and by the nearest range", async () => {
  for (const [accept, type] of [
    ["application/x-ndjson;q=0.5, application/json", "application/json; charset=utf-8"],
    ["application/x-ndjson;q=0.5, */*;q=0.1", "application/x-ndjson"],
    ["application/json;q=0, application/x-ndjson;q=0.1", "application/x-ndjson"],
    ["application/json;q=0, */*", "application/problem+json; charset=utf-8"],
  ] as const) {
    assert.equal((await post(sh("true"), { accept })).headers["content-type"], type, accept);
  }
});

test("as lines: a client that goes ends the command", async () => {
  const sleep = uniqueSleep();
  const gone = new AbortController();
  const answer = post(sh(`echo up; exec sleep ${sleep}`), lines, gone.signal);
  await until("command", () => processesWith(`sleep\0${sleep}`).length > 0);
  gone.abort();
  await assert.rejects(answer);
  await until("end of the command", () => processesWith(sleep).length === 0, 2000);
});

test("respond-async answers 202, however soon the command is over", async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => post({ command: ["true"] }, { prefer: "respond-async" })));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
});

test("respond-async answers 202 at once, and the result comes when it is there", async () => {
  // It goes on until it is told to end.
  const answer = await post(sh("trap 'exit 0' TERM; echo out; while :; do sleep 0.05; done"), { prefer: "respond-async" });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers["preference-applied"], "respond-async");
  const location = answer.headers.location ?? "";
  assert.equal(location, `/v1/sessions/${(answer.json as ExecAnswer).id}`);
  await until("output", async () => (await served.request(`${location}/output?waitMs=5000`)).text === "out\n");
  assert.equal((await served.request(`${location}/result`)).status, 202);
  await served.request(`${location}/signal`, { method: "POST", body: { signal: "SIGTERM" } });
  await until("result", async () => (await served.request(`${location}/result`)).status === 200);
  const result = (await served.request(`${location}/result`)).json as ExecAnswer;
  assert.deepEqual([result.outcome, result.exitCode, result.stdout.data], ["exited", 0, "out\n"]);
});

test("the encoding that was asked for is that of the result, by either way to it", async () => {
  const asked = { command: ["printf", "abc"], encoding: "base64" };
  const begun = [await post(asked, { prefer: "respond-async" }), await served.request("/v1/sessions", { method: "POST", body: asked })];
  for (const { headers } of begun) {
    await until("result", async () => (await served.request(`${headers.location}/result`)).status === 200);
    const { stdout } = (await served.request(`${headers.location}/result`)).json as ExecAnswer;
    assert.deepEqual(stdout, { data: "YWJj", encoding: "base64", bytes: 3, truncated: false });
  }
});

test("wait=N answers as usual within N seconds, else 202", async () => {
  assert.equal((await post(sh("true"), { prefer: "wait=5" })).status, 200);
  const late = await post(sh("sleep 5"), { prefer: "wait=0" });
  assert.equal(late.status, 202);
  const ended = await served.request(late.headers.location ?? "", { method: "DELETE" });
  assert.deepEqual([ended.status, (ended.json as ExecAnswer).endedBy], [200, "client"]);
});

test("a client that prefers to wait may go", async () => {
  const sleep = uniqueSleep();
  const gone = new AbortController();
  const answer = post({ command: ["sleep", sleep] }, { prefer: "wait=60" }, gone.signal);
  await until("command", () => processesWith(sleep).length > 0);
  gone.abort();
  await assert.rejects(answer);
  const find = async () => {
    const { json } = await served.request("/v1/sessions?state=running");
    return (json as { sessions: { id: string; command: string[] }[] }).sessions.find(({ command }) => command.includes(sleep));
  };
  // The command is seen a moment before its start is told.
  await until("session that runs on", async () => (await find()) !== undefined);
  assert.equal(processesWith(sleep).length, 1);
  await served.request(`/v1/sessions/${(await find())?.id}`, { method: "DELETE" });
});

test("a repeat of a key joins the first run, also one that ended", async () => {
  const body = sh("echo $$");
  const first = (await post(body, { "idempotency-key": "repeat" })).json as ExecAnswer;
  assert.deepEqual((await post(body, { "idempotency-key": "repeat" })).json, first);
  assert.notEqual(((await post(body, { "idempotency-key": "another" })).json as ExecAnswer).id, first.id);
});

test("calls with one key at the same time start one command", async () => {
  const body = sh("sleep 0.2; echo $$");
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(body, { "idempotency-key": "storm" })));
  assert.deepEqual(new Set(answers.map(({ text }) => text)).size, 1);
});

test("a key with another body is refused, one whose command never ran may be tried again", async () => {
  const headers = { "idempotency-key": "other" };
  await post(sh("true"), headers);
  assertProblem(await post(sh("false"), headers), 422, "IDEMPOTENCY_KEY_REUSED");
  const failed = { "idempotency-key": "failed" };
  assertProblem(await post({ command: ["no-such-command"] }, failed), 422, "COMMAND_NOT_FOUND", "command");
  assert.equal((await post(sh("true"), failed)).status, 200);
});

test("a client with a key may go, and joins later", async () => {
  const sleep = uniqueSleep();
  const headers = { "idempotency-key": "gone" };
  const body = sh(`echo early; sleep ${sleep}`, { timeoutMs: 1000 });
  const gone = new AbortController();
  const answer = post(body, headers, gone.signal);
  await until("command", () => processesWith(sleep).length > 0);
  gone.abort();
  await assert.rejects(answer);
  const joined = (await post(body, headers)).json as ExecAnswer;
  assert.deepEqual([joined.outcome, joined.stdout.data], ["timeout", "early\n"]);
});
