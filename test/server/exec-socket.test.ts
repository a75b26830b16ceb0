import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dial, type ExecClient, refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { isAlive, processesWith, uniqueSleep, until } from "../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway({ limits: { replayBytes: 131_072 } });
});
after(() => served[Symbol.asyncDispose]());

const query = (command: readonly string[], more: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams([...command.map((item) => ["command", item]), ...Object.entries(more)]).toString();
const at = (command: readonly string[], more?: Readonly<Record<string, string>>): string => `${served.url}/v1/exec?${query(command, more)}`;
const sh = (script: string, more?: Readonly<Record<string, string>>) => at(["sh", "-c", script], more);
const started = () => served.metric("execgate_exec_start_seconds_count");

/** Fails unless the session ended by itself with this code, exit as the last word and 1000 behind it. */
async function assertExit(client: ExecClient, exitCode: number): Promise<void> {
  assert.equal((await client.closed).code, 1000);
  const last = JSON.parse(String(client.frames.at(-1)));
  assert.deepEqual([last.type, last.outcome, last.exitCode], ["exit", "exited", exitCode]);
}

test("attached comes first, with all that it tells", async () => {
  using client = await dial(sh("stty size", { tty: "1", cols: "90", rows: "30", flow: "ack" }));
  const { session, client: id, ...rest } = JSON.parse(String(await client.frame(0)));
  assert.match(`${session} ${id}`, /^[0-9A-Z]{26} [0-9A-Z]{26}$/);
  const sizes = { cols: 90, rows: 30, ackWindow: 65_536, stdinWindow: 262_144, offset: 0, stdinOffset: 0, heartbeatMs: 15_000 };
  assert.deepEqual(rest, { type: "attached", target: "host", tty: true, role: "writer", ...sizes });
  await assertExit(client, 0);
  assert.equal(client.stdout, "30 90\r\n");
});

test("bytes go both ways as they are, on the channel of their stream", async () => {
  using client = await dial(sh("cat; echo err >&2; exit 3"));
  assert.equal(client.ws.protocol, "v1.execgate");
  const all = Buffer.from(Array.from({ length: 1024 }, (_, i) => i & 0xff));
  client.stdin(all);
  client.say({ type: "eof" });
  await assertExit(client, 3);
  assert.deepEqual([client.bytes(1), client.bytes(2).toString()], [all, "err\n"]);
  const exit = await client.control("exit");
  const { durationMs, ...rest } = exit;
  assert.equal(typeof durationMs, "number");
  const other = { signal: null, endedBy: null, drained: true, termination: null };
  assert.deepEqual(rest, { type: "exit", outcome: "exited", exitCode: 3, ...other });
});

test("exit is last, whatever came before it", async () => {
  using client = await dial(sh("seq 1 200000"));
  await assertExit(client, 0);
  assert.ok(client.stdout.endsWith("\n200000\n"));
  assert.equal(client.stdout.length, 1_288_895);
});

test("no command is the login shell on a terminal; env, cwd and timeout hold", async () => {
  using shell = await dial(`${served.url}/v1/exec?env=${encodeURIComponent("A=b c")}&cwd=/usr`);
  assert.equal((await shell.control("attached")).tty, true);
  shell.stdin('echo "$A-$PWD"; exit 6\n');
  await assertExit(shell, 6);
  assert.match(shell.stdout, /b c-\/usr\r\n/);
  using late = await dial(sh("sleep 60", { timeoutMs: "100" }));
  assert.equal((await late.control("exit")).outcome, "timeout");
  assert.equal((await late.closed).code, 1000);
});

test("stdin is taken on credit, and accepted is told in time", async () => {
  using client = await dial(sh("sleep 0.1; cat | wc -c"));
  const [piece, pieces] = [Buffer.alloc(32_768), 64];
  for (let i = 0; i < pieces; i++) client.stdin(piece);
  client.say({ type: "eof" });
  await assertExit(client, 0);
  assert.equal(client.stdout.trim(), String(piece.length * pieces));
  const counts = client.controls.filter(({ type }) => type === "accepted").map(({ bytes }) => Number(bytes));
  let before = 0;
  for (const bytes of counts) {
    assert.ok(bytes - before >= 65_536 && bytes - before <= 65_536 + piece.length);
    before = bytes;
  }
  assert.ok(before > piece.length * pieces - 65_536);
});

test("within the credit a command that does not read leaves the socket readable", async () => {
  using client = await dial(at(["sleep", uniqueSleep()]));
  await client.control("attached");
  client.stdin(Buffer.alloc(262_144));
  client.say({ type: "signal", signal: "SIGINT" });
  const exit = await client.control("exit");
  assert.deepEqual([exit.exitCode, exit.signal], [130, "SIGINT"]);
});

test("of a burst of sizes the last one is applied, before the stdin behind it", async () => {
  using client = await dial(sh('n=0; trap "n=$((n+1))" WINCH; echo ready; until read x; do :; done; stty size; echo "n=$n"', { tty: "1" }));
  await client.untilStdout("ready");
  for (let cols = 1; cols <= 200; cols++) client.say({ type: "resize", cols, rows: 50 });
  client.say({ type: "resize", cols: 0, rows: 50 });
  client.stdin("\n");
  await assertExit(client, 0);
  assert.match(client.stdout, /50 200\r\n/);
  assert.ok(Number(/n=(\d+)/.exec(client.stdout)?.[1]) <= 20, client.stdout);
});

test("a client that goes ends its command", async () => {
  const sleep = uniqueSleep();
  using client = await dial(sh(`echo up; sleep ${sleep}`));
  await client.untilStdout("up");
  client.ws.terminate();
  await until("end of the tree", () => processesWith(sleep).length === 0, 2000);
});

test("detach leaves the session for keepMs, and attach goes on from any byte", async () => {
  using first = await dial(sh("echo one; read x; echo two; read x", { keepMs: "60000" }));
  const { session } = await first.control("attached");
  await first.untilStdout("one");
  first.say({ type: "detach" });
  assert.equal((await first.closed).code, 4409);
  using second = await dial(`${served.url}/v1/sessions/${session}/attach?offset=2`);
  const attached = await second.control("attached");
  assert.deepEqual([attached.session, attached.offset], [session, 2]);
  await second.untilStdout("e\n");
  second.stdin("\n");
  await second.untilStdout("e\ntwo\n");
  second.stdin("\n");
  await assertExit(second, 0);
  using after = await dial(`${served.url}/v1/sessions/${session}/attach`);
  await assertExit(after, 0);
  assert.equal(after.stdout, "one\ntwo\n");
});

test("a session outlives its last client for keepMs and no longer", async () => {
  const sleep = uniqueSleep();
  using client = await dial(at(["sleep", sleep], { keepMs: "200" }));
  await until("command", () => processesWith(sleep).length > 0);
  const [pid = 0] = processesWith(sleep);
  client.ws.terminate();
  assert.ok(isAlive(pid));
  await until("end of the command", () => !isAlive(pid));
});

async function create(script: string, more: object = {}): Promise<string> {
  const body = { command: ["sh", "-c", script], stdin: true, ...more };
  const answer = await served.request("/v1/sessions", { method: "POST", body });
  return `${served.url}/v1/sessions/${(answer.json as { id: string }).id}`;
}

test("an offset that is not written yet, another subprotocol and another session are refused before 101", async () => {
  const session = await create("read x");
  assertProblem(await refusalOf(`${session}/attach?offset=1`), 400, "BAD_REQUEST", "offset");
  assertProblem(await refusalOf(`${session}/attach?role=owner`), 400, "BAD_REQUEST", "role");
  assertProblem(await refusalOf(`${session}/attach`, { protocols: "v5.channel.k8s.io" }), 400, "BAD_REQUEST", "Sec-WebSocket-Protocol");
  assertProblem(await refusalOf(`${served.url}/v1/sessions/x/attach`), 404, "SESSION_NOT_FOUND");
});

test("a viewer sees, is told of sizes, and may not type", async () => {
  const session = await create("echo hello; read x; stty size; read x", { tty: true, keepMs: 60_000 });
  for (const message of [{ type: "eof" }, { type: "resize", cols: 1, rows: 1 }, { type: "signal", signal: "SIGKILL" }]) {
    using viewer = await dial(`${session}/attach?role=viewer`);
    await viewer.untilStdout("hello");
    viewer.say(message);
    assert.deepEqual([(await viewer.control("error")).code, (await viewer.closed).code], ["FORBIDDEN", 4403]);
  }
  using viewer = await dial(`${session}/attach?role=viewer`);
  using writer = await dial(`${session}/attach`);
  assert.deepEqual([(await viewer.control("attached")).role, (await writer.control("attached")).role], ["viewer", "writer"]);
  writer.say({ type: "resize", cols: 70, rows: 20 });
  const { cols, rows } = await viewer.control("resized");
  assert.deepEqual([cols, rows], [70, 20]);
  writer.stdin("\n");
  await viewer.untilStdout("20 70");
  assert.ok(!writer.controls.some(({ type }) => type === "resized"));
  viewer.stdin("x");
  assert.equal((await viewer.closed).code, 4403);
});

test("a viewer that is left behind is told of the gap; the writer misses nothing", async () => {
  const session = await create("read x; seq 1 1500000; echo END");
  using viewer = await dial(`${session}/attach?role=viewer`);
  using writer = await dial(`${session}/attach`);
  await viewer.control("attached");
  await writer.control("attached");
  viewer.ws.pause();
  writer.stdin("\n");
  await assertExit(writer, 0);
  assert.equal(writer.bytes(1).length, 10_888_900);
  viewer.ws.resume();
  await assertExit(viewer, 0);
  const gaps = viewer.controls.filter(({ type }) => type === "gap");
  const lost = gaps.reduce((sum, { from, to }) => sum + Number(to) - Number(from), 0);
  assert.ok(gaps.length > 0 && lost > 0);
  assert.equal(viewer.bytes(1).length + lost, 10_888_900);
  assert.ok(viewer.stdout.endsWith("END\n"));
});

test("with flow=ack no more is under way than the window, and what is acknowledged moves it", async () => {
  using client = await dial(sh("head -c 1000000 /dev/zero", { flow: "ack" }));
  const windowBytes = Number((await client.control("attached")).ackWindow);
  await until("a full window", () => client.bytes(1).length >= windowBytes);
  const held = client.bytes(1).length;
  assert.ok(held < windowBytes + 65_536, `${held}`);
  let [received, acknowledged] = [held, held];
  client.say({ type: "ack", bytes: held });
  client.ws.on("message", (data: Buffer, isBinary) => {
    received += isBinary ? data.length - 1 : 0;
    if (received - acknowledged < windowBytes / 2) return;
    acknowledged = received;
    client.say({ type: "ack", bytes: received });
  });
  await assertExit(client, 0);
  assert.equal(client.bytes(1).length, 1_000_000);
});

test("an ack of what was never sent is a bad message", async () => {
  using client = await dial(sh("read x", { flow: "ack" }));
  await client.control("attached");
  client.say({ type: "ack", bytes: 1 });
  assert.equal((await client.closed).code, 4400);
});

test("a command that cannot be started is an error and 4422", async () => {
  for (const [url, code] of [
    [at(["no-such-command"]), "COMMAND_NOT_FOUND"],
    [at(["true"], { cwd: "/no/such" }), "CWD_NOT_FOUND"],
    [at(["/etc/passwd"]), "COMMAND_NOT_EXECUTABLE"],
  ] as const) {
    const before = await served.metric("execgate_refused_total", `code="${code}"`);
    using client = await dial(url);
    assert.equal((await client.closed).code, 4422);
    assert.deepEqual(
      client.controls.map((message) => [message.type, message.code]),
      [["error", code]],
    );
    assert.equal(await served.metric("execgate_refused_total", `code="${code}"`), before + 1, "a start that was refused is counted");
  }
});

test("what is wrong with the request is told before 101", async () => {
  const before = await started();
  for (const [rest, field] of [
    ["command=true&tty=yes", "tty"],
    ["command=true&tty=", "tty"],
    ["command=true&stdin=TRUE", "stdin"],
    ["command=true&cols=0", "cols"],
    ["command=true&cols=65536", "cols"],
    ["command=true&rows=1.5", "rows"],
    ["command=true&timeoutMs=1e3", "timeoutMs"],
    ["command=true&keepMs=99999999999", "keepMs"],
    ["command=true&cwd=usr", "cwd"],
    ["command=true&env=A", "env.0"],
    ["command=true&env=A=1&env=A=2", "env"],
    ["command=true&target=a&target=b", "target"],
    ["command=true&flow=fast", "flow"],
    ["command=true&stdout=1", "stdout"],
    ["command=true&token=secret", "token"],
    ["command=", "command.0"],
    ["command=%00", "command"],
    ["command=%ff", "command"],
    ["command=%zz", "command"],
  ] as const) {
    assertProblem(await refusalOf(`${served.url}/v1/exec?${rest}`), 400, "BAD_REQUEST", field);
  }
  assertProblem(await refusalOf(`${served.url}/v1/exec?target=host:elsewhere`), 404, "TARGET_NOT_FOUND");
  assert.equal(await started(), before);
});

test("none offered is the native one, unanswered; unknown ones and a credential alone are refused", async () => {
  using client = await dial(sh("echo hi"), { protocols: [] });
  assert.equal(client.ws.protocol, "");
  await assertExit(client, 0);
  assert.equal(client.stdout, "hi\n");
  const field = "Sec-WebSocket-Protocol";
  assertProblem(await refusalOf(sh("true"), { protocols: ["v2.execgate", "chat"] }), 400, "BAD_REQUEST", field);
  const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(testToken).toString("base64url")}`;
  assertProblem(await refusalOf(sh("true"), { protocols: bearer, token: "" }), 400, "BAD_REQUEST", field);
  using withBearer = await dial(sh("true"), { protocols: [bearer, "v1.execgate"], token: "" });
  assert.equal(withBearer.ws.protocol, "v1.execgate");
  await assertExit(withBearer, 0);
});

test("clients are counted while they are there", async () => {
  const count = () => served.metric("execgate_clients_active");
  await until("end of other clients", async () => (await count()) === 0);
  using client = await dial(sh("read x"));
  await client.control("attached");
  assert.equal(await served.metric("execgate_clients_active", 'protocol="v1.execgate"'), 1);
  client.ws.terminate();
  await until("gone client", async () => (await count()) === 0);
});
