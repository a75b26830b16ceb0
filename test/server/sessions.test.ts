import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LogCursor } from "../../src/exec/cursor.ts";
import { type ExecAnswer, openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { isAlive, processesWith, uniqueSleep, until } from "../fixtures/until.ts";

interface SessionView {
  readonly id: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly endedBy: string | null;
  readonly offset: number;
  readonly cols: number | null;
  readonly rows: number | null;
}

let served: TestGateway;
before(async () => {
  served = await openGateway({ limits: { replayBytes: 65_536 } });
});
after(() => served[Symbol.asyncDispose]());

async function create(body: object): Promise<SessionView> {
  const answer = await served.request("/v1/sessions", { method: "POST", body });
  assert.equal(answer.status, 201, answer.text);
  const view = answer.json as SessionView;
  assert.equal(answer.headers.location, `/v1/sessions/${view.id}`);
  return view;
}

const shell = (script: string, more: object = {}) => create({ command: ["sh", "-c", script], stdin: true, ...more });
const view = async (id: string) => (await served.request(`/v1/sessions/${id}`)).json as SessionView;
const tell = (id: string, what: string, body: object) => served.request(`/v1/sessions/${id}/${what}`, { method: "POST", body });
const output = (id: string, query: string) => served.request(`/v1/sessions/${id}/output?${query}`);
const end = (id: string) => served.request(`/v1/sessions/${id}`, { method: "DELETE" });
const untilEnded = (id: string) => until("end of the session", async () => (await view(id)).state === "ended");

test("a session tells what it is, and ends with its result kept", async () => {
  const { id, ...rest } = await shell("read line; echo got-$line; exit 5", { keepMs: 60_000 });
  const { createdAt, startedAt, ...view0 } = rest as typeof rest & { createdAt: string; startedAt: string };
  assert.match(`${createdAt} ${startedAt}`, /^\d{4}-.*Z \d{4}-.*Z$/);
  assert.deepEqual(view0, {
    state: "running",
    outcome: null,
    exitCode: null,
    signal: null,
    endedBy: null,
    principal: "user:owner",
    target: "host",
    command: ["sh", "-c", "read line; echo got-$line; exit 5"],
    mode: "interactive",
    tty: false,
    cols: null,
    rows: null,
    clients: [],
    offset: 0,
    oldestOffset: 0,
    keepMs: 60_000,
    record: "off",
    durationMs: null,
  } as object);
  assert.equal((await served.request(`/v1/sessions/${id}/result`)).status, 202);
  assert.equal((await tell(id, "stdin", { data: "this\n" })).status, 200);
  await untilEnded(id);
  const result = (await served.request(`/v1/sessions/${id}/result`)).json as ExecAnswer;
  assert.deepEqual([result.outcome, result.exitCode, result.stdout.data], ["exited", 5, "got-this\n"]);
});

test("stdin that comes with the creation is written and closed", async () => {
  const { id } = await create({ command: ["cat"], stdin: "all of it" });
  await untilEnded(id);
  assert.equal((await output(id, "offset=0")).text, "all of it");
});

test("stdin takes base64 and its end, and refuses what is neither", async () => {
  const { id } = await create({ command: ["cat"], stdin: true });
  assertProblem(await tell(id, "stdin", { data: "a b!", encoding: "base64" }), 400, "BAD_REQUEST", "data");
  assertProblem(await tell(id, "stdin", { text: "a" }), 400, "BAD_REQUEST", "text");
  await tell(id, "stdin", { data: "AP8=", encoding: "base64" });
  await tell(id, "stdin", { eof: true });
  await untilEnded(id);
  assert.equal((await output(id, "offset=0")).text, "\0\ufffd");
});

test("stdin that cannot reach the command is refused, and never passed over", async () => {
  const without = await shell("exec sleep 60", { stdin: false });
  assertProblem(await tell(without.id, "stdin", { data: "a" }), 400, "BAD_REQUEST", "data");
  assert.equal((await tell(without.id, "stdin", { eof: true })).status, 200);
  await end(without.id);
  const closed = await shell("exec sleep 60");
  assert.equal((await tell(closed.id, "stdin", { data: "a", eof: true })).status, 200);
  assertProblem(await tell(closed.id, "stdin", { data: "b" }), 400, "BAD_REQUEST", "data");
  assert.equal((await tell(closed.id, "stdin", { eof: true })).status, 200);
  await end(closed.id);
  const terminal = await shell('stty -echo; echo ready; cat; read line; echo "got $line"', { tty: true });
  await until("ready", async () => (await output(terminal.id, "offset=0")).text.includes("ready"));
  await tell(terminal.id, "stdin", { eof: true });
  await tell(terminal.id, "stdin", { data: "more\n" });
  await untilEnded(terminal.id);
  assert.match((await output(terminal.id, "offset=0")).text, /got more/);
});

test("stdin that the command does not read is not piled up by requests", async () => {
  const { id } = await shell("exec sleep 60");
  const data = "x".repeat(500_000);
  const first = tell(id, "stdin", { data });
  await until("a refusal", async () => (await tell(id, "stdin", { data: "" })).status === 429);
  const refused = await tell(id, "stdin", { data, eof: true });
  assertProblem(refused, 429, "TOO_MANY_REQUESTS");
  assert.equal(refused.headers["retry-after"], "1");
  await end(id);
  assert.equal((await first).status, 200);

  const reading = await shell("exec wc -c");
  for (const eof of [false, true]) assert.equal((await tell(reading.id, "stdin", { data, eof })).status, 200);
  await untilEnded(reading.id);
  assert.equal(((await served.request(`/v1/sessions/${reading.id}/result`)).json as ExecAnswer).stdout.data, "1000000\n");
});

test("no command is the login shell, on a terminal with the asked size", async () => {
  const { id, cols, rows } = await create({ tty: true, cols: 100, rows: 40, stdin: true });
  assert.deepEqual([cols, rows], [100, 40]);
  await tell(id, "stdin", { data: "stty size; exit 4\n" });
  await untilEnded(id);
  assert.match((await output(id, "offset=0")).text, /40 100\r\n/);
  assert.equal((await view(id)).exitCode, 4);
});

test("resize changes the size, and asks for whole sides", async () => {
  const { id } = await shell("read go; stty size", { tty: true });
  const resized = (await tell(id, "resize", { cols: 33, rows: 11 })).json as SessionView;
  assert.deepEqual([resized.cols, resized.rows], [33, 11]);
  assertProblem(await tell(id, "resize", { cols: 0, rows: 11 }), 400, "BAD_REQUEST", "cols");
  assertProblem(await tell(id, "resize", { cols: 33 }), 400, "BAD_REQUEST", "rows");
  await tell(id, "stdin", { data: "\n" });
  await untilEnded(id);
  assert.match((await output(id, "offset=0")).text, /11 33\r\n/);
});

test("a signal reaches the command", async () => {
  const { id } = await shell('trap "exit 9" USR1; echo ready; while :; do read x; done', { stdin: true });
  await output(id, "offset=0&waitMs=5000");
  assertProblem(await tell(id, "signal", { signal: "USR1" }), 400, "BAD_REQUEST", "signal");
  assert.equal((await tell(id, "signal", { signal: "SIGUSR1" })).status, 200);
  await tell(id, "stdin", { data: "\n" });
  await untilEnded(id);
  assert.equal((await view(id)).exitCode, 9);
});

test("output is read from any byte, by stream, and waited for", async () => {
  const { id } = await shell("echo out; echo err >&2; read go; echo more; read go");
  await until("output", async () => (await view(id)).offset === 8);
  const first = await output(id, "offset=2");
  assert.deepEqual([first.headers["execgate-offset"], first.headers["execgate-next-offset"]], ["2", "8"]);
  assert.equal(first.headers["content-type"], "application/octet-stream");
  assert.equal(first.text.length, 6);
  assert.equal((await output(id, "offset=0&stream=stderr")).text, "err\n");
  assert.equal((await output(id, "offset=0&stream=stdout")).text, "out\n");
  assertProblem(await output(id, "offset=9"), 400, "BAD_REQUEST", "offset");
  const began = performance.now();
  assert.equal((await output(id, "offset=8&waitMs=100")).text, "");
  assert.ok(performance.now() - began >= 95);
  const waiting = output(id, "offset=8&waitMs=10000");
  await tell(id, "stdin", { data: "\n" });
  assert.equal((await waiting).text, "more\n");
  const last = output(id, "offset=13&waitMs=10000");
  await end(id);
  assert.equal((await last).text, "");
});

test("a command that ended in its time has not timed out, however long the gateway was busy meanwhile", async () => {
  const { id } = await shell("sleep 0.05; exit 5", { keepMs: 60_000, timeoutMs: 200 });
  const untilMs = performance.now() + 400;
  while (performance.now() < untilMs);
  await untilEnded(id);
  const { outcome, exitCode } = await view(id);
  assert.deepEqual([outcome, exitCode], ["exited", 5]);
});

test("a wait for output that is over in the moment in which some has come is answered with that", async (t) => {
  const { id } = await shell("read line; echo out; echo err >&2; read line");
  const { next } = LogCursor.prototype;
  t.mock.method(LogCursor.prototype, "next", async function (this: LogCursor) {
    await tell(id, "stdin", { data: "go\n" });
    await until("output of both streams", async () => (await view(id)).offset === 8);
    const item = await next.call(this);
    this.close();
    return item;
  });
  const answer = await output(id, "waitMs=10000");
  assert.deepEqual([answer.status, answer.text, answer.headers["execgate-next-offset"]], [200, "out\n", "4"]);
  await end(id);
});

test("output that is no longer kept is 410 with both ends", async () => {
  const { id } = await shell("head -c 300000 /dev/zero");
  await untilEnded(id);
  const gone = assertProblem(await output(id, "offset=0"), 410, "OUTPUT_GONE") as unknown as { from: number; to: number };
  assert.ok(gone.from > 0 && gone.from <= 300_000 - 32_768, `${gone.from}`);
  assert.equal(gone.to, 300_000);
  assert.equal((await output(id, `offset=${gone.from}`)).text.length, 300_000 - gone.from);
});

test("DELETE ends the tree and answers when it is gone; again it tells the same", async () => {
  const sleep = uniqueSleep();
  const { id } = await shell(`trap '' TERM; sleep ${sleep} & echo $$; wait`);
  const pid = Number((await output(id, "offset=0&waitMs=5000")).text);
  assert.ok(isAlive(pid));
  const ended = await end(id);
  assert.equal(ended.status, 200);
  const { state, outcome, endedBy, exitCode } = ended.json as SessionView;
  assert.deepEqual([state, outcome, endedBy, exitCode], ["ended", "killed", "client", null]);
  assert.ok(!isAlive(pid));
  assert.deepEqual(processesWith(sleep), []);
  assert.deepEqual((await end(id)).json, ended.json);
});

test("what is over takes nothing more", async () => {
  const { id } = await create({ command: ["true"] });
  await untilEnded(id);
  for (const [what, body] of [
    ["stdin", { data: "x" }],
    ["signal", { signal: "SIGINT" }],
    ["resize", { cols: 1, rows: 1 }],
  ] as const) {
    assertProblem(await tell(id, what, body), 409, "SESSION_ENDED");
  }
});

test("a session that is not there is 404 on each of its paths", async () => {
  for (const id of ["01JD0000000000000000000000", "x", "%2e%2e%2fetc", "a%2Fb", "a".repeat(1000)]) {
    for (const path of ["", "/result", "/output"]) {
      assertProblem(await served.request(`/v1/sessions/${id}${path}`), 404, "SESSION_NOT_FOUND");
    }
    assertProblem(await end(id), 404, "SESSION_NOT_FOUND");
    assertProblem(await tell(id, "stdin", {}), 404, "SESSION_NOT_FOUND");
    assertProblem(await tell(id, "signal", { signal: "SIGINT" }), 404, "SESSION_NOT_FOUND");
  }
});

test("a page ends before the commands in it are more than 4 MiB, and the next one goes on behind it", async () => {
  await using other = await openGateway();
  const body = { command: ["true", "x".repeat(120 * 1024)] };
  const made = await Promise.all(Array.from({ length: 40 }, () => other.request("/v1/sessions", { method: "POST", body })));
  let pages = 0;
  const ids: string[] = [];
  for (let next: string | undefined = ""; next !== undefined; pages++) {
    const page = await other.request(`/v1/sessions?limit=1000${next === "" ? "" : `&continue=${next}`}`);
    assert.ok(page.text.length < 5 * 1024 * 1024, `${page.text.length} bytes`);
    const { sessions, continue: rest } = page.json as { sessions: SessionView[]; continue?: string };
    ids.push(...sessions.map(({ id }) => id));
    next = rest;
  }
  assert.ok(pages >= 2);
  assert.deepEqual(ids.sort(), made.map(({ json }) => (json as SessionView).id).sort());
});

test("the list is filtered, and pages hold every session once", async () => {
  const made = await Promise.all(Array.from({ length: 7 }, () => create({ command: ["sleep", uniqueSleep()] })));
  const ids = new Set<string>();
  let next: string | undefined = "";
  let pages = 0;
  while (next !== undefined) {
    const query: string = `state=running&target=host&limit=3${next === "" ? "" : `&continue=${next}`}`;
    const page = (await served.request(`/v1/sessions?${query}`)).json as { sessions: SessionView[]; continue?: string };
    assert.ok(page.sessions.length <= 3 && page.sessions.every(({ state }) => state === "running"));
    for (const { id } of page.sessions) {
      assert.ok(!ids.has(id));
      ids.add(id);
    }
    next = page.continue;
    pages++;
  }
  assert.ok(pages >= 3 && made.every(({ id }) => ids.has(id)));
  await Promise.all(made.map(({ id }) => end(id)));
  const ended = (await served.request("/v1/sessions?state=ended&limit=1000")).json as { sessions: SessionView[] };
  assert.ok(made.every(({ id }) => ended.sessions.some((session) => session.id === id)));
  assert.deepEqual((await served.request("/v1/sessions?target=docker:web")).json, { sessions: [] });
});
