import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dial, type ExecClient, refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway();
});
after(() => served[Symbol.asyncDispose]());

const [v5, v4] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const streams = "stdout=true&stderr=true";

async function open(script: string, flags = streams, protocols: string | readonly string[] = v5): Promise<ExecClient> {
  return await dial(`${served.url}/v1/exec?command=sh&command=-c&command=${encodeURIComponent(script)}&${flags}`, { protocols });
}

/** The text of the Status, after which nothing came but close 1000. */
async function status(client: ExecClient): Promise<string> {
  assert.equal((await client.closed).code, 1000);
  const last = client.frames.at(-1);
  assert.ok(Buffer.isBuffer(last) && last[0] === 3, "the Status is last");
  assert.equal(client.frames.filter((frame) => frame[0] === 3).length, 1);
  return last.subarray(1).toString();
}

const success = '{"metadata":{},"status":"Success"}';

for (const protocol of [v5, v4]) {
  test(`${protocol}: an empty first message on stdout, the streams, the Status, 1000`, async () => {
    using client = await open("echo out; echo err >&2", streams, protocol);
    assert.equal(client.ws.protocol, protocol);
    assert.deepEqual(await client.frame(0), Buffer.of(1));
    assert.equal(await status(client), success);
    assert.deepEqual([client.stdout, client.bytes(2).toString()], ["out\n", "err\n"]);
    const rest = client.frames.slice(1);
    assert.ok(
      rest.every((frame) => Buffer.isBuffer(frame) && frame.length > 1),
      "never a text, never an empty message",
    );
  });
}

test("the first message is on the lowest channel that is read", async () => {
  using onlyErr = await open("true", "stderr=1");
  assert.deepEqual(await onlyErr.frame(0), Buffer.of(2));
  using none = await open("echo out", "");
  assert.deepEqual(await none.frame(0), Buffer.of(3));
});

test("an exit code has its Status, letter by letter", async () => {
  using client = await open("exit 3");
  const message = "command terminated with non-zero exit code: command terminated with exit code 3";
  const details = '"details":{"causes":[{"reason":"ExitCode","message":"3"}]}';
  assert.equal(await status(client), `{"metadata":{},"status":"Failure","message":"${message}","reason":"NonZeroExitCode",${details}}`);
});

test("a command that is not there has an internal error, and 1000 behind it", async () => {
  using client = await dial(`${served.url}/v1/exec?command=no-such-command&${streams}`, { protocols: v5 });
  const { reason, code, message, details } = JSON.parse(await status(client));
  assert.deepEqual([reason, code], ["InternalError", 500]);
  assert.match(message, /^Internal error occurred: "no-such-command" was not found/);
  assert.equal(`Internal error occurred: ${details.causes[0].message}`, message);
});

test("a session that is ended from outside has a Status too", async () => {
  using client = await open("echo $PPID; sleep 60");
  await client.untilStdout("\n");
  const { sessions } = (await served.request("/v1/sessions?state=running")).json as { sessions: { id: string }[] };
  for (const { id } of sessions) await served.request(`/v1/sessions/${id}`, { method: "DELETE" });
  assert.match(await status(client), /"Failure".*killed by client/);
});

test("v5: stdin goes on channel 0 and is closed by 255, 0", async () => {
  using client = await open("cat; echo end", `stdin=true&${streams}`);
  await client.frame(0);
  client.stdin("text");
  client.ws.send(Buffer.of(0));
  client.stdin(" more\n");
  client.ws.send(Buffer.of(255, 0));
  assert.equal(await status(client), success);
  assert.equal(client.stdout, "text more\nend\n");
});

test("a text frame carries data as a binary one does, what is empty or on no channel is passed over", async () => {
  using client = await open("cat", `stdin=true&${streams}`);
  client.ws.send("\0text\n");
  client.ws.send("");
  client.ws.send(Buffer.from([9, 1, 2]));
  client.ws.send(Buffer.of(255, 0));
  assert.equal(await status(client), success);
  assert.equal(client.stdout, "text\n");
});

test("v5: a close message of a wrong form ends the connection", async () => {
  for (const message of [Buffer.of(255), Buffer.of(255, 0, 0), Buffer.of(255, 9)]) {
    using client = await open("cat", `stdin=true&${streams}`);
    await client.frame(0);
    client.ws.send(message);
    assert.equal((await client.closed).code, 1002);
  }
});

test("without stdin the command has none, whatever is sent", async () => {
  using client = await open("wc -c");
  client.stdin("text");
  assert.equal(await status(client), success);
  assert.equal(client.stdout.trim(), "0");
});

test("a terminal: stderr joins stdout, and sizes come in any case and in pieces", async () => {
  using client = await open("stty -echo; echo err >&2; read x; stty size; read x; stty size", `stdin=1&tty=TRUE&${streams}`);
  await client.untilStdout("err\r\n");
  client.ws.send(`\x04{"Width":100,"Height":40}\n`);
  client.stdin("\n");
  await client.untilStdout("40 100\r\n");
  client.ws.send('\x04{"height":20,"wi');
  client.ws.send('\x04dth":60}');
  client.stdin("\n");
  assert.equal(await status(client), success);
  assert.match(client.stdout, /20 60\r\n/);
  assert.equal(client.bytes(2).length, 0);
});

test("a flag is false when absent, 0 or any-case false, and true otherwise", async () => {
  for (const [value, isOn] of [
    ["0", false],
    ["False", false],
    ["", true],
    ["no", true],
  ] as const) {
    using client = await open("if [ -t 1 ]; then echo tty; else echo pipe; fi", `stdout=1&tty=${value}`);
    await status(client);
    assert.equal(client.stdout.trim(), isOn ? "tty" : "pipe", value);
  }
});

test("a flag that came twice is refused, and so is a container that the target is not", async () => {
  const refused = (query: string) => refusalOf(`${served.url}/v1/exec?command=true&${query}`, { protocols: v5 });
  assertProblem(await refused("tty=0&tty=1"), 400, "BAD_REQUEST", "tty");
  assertProblem(await refused("stdout=1&stdout=1"), 400, "BAD_REQUEST", "stdout");
  assertProblem(await refused("stdout=1&container=app"), 400, "BAD_REQUEST", "container");
  for (const container of ["host", ""]) {
    using client = await open("true", `${streams}&container=${container}`);
    assert.equal(await status(client), success);
  }
});

test("output that a client could not acknowledge is not to be acknowledged", async () => {
  assertProblem(await refusalOf(`${served.url}/v1/exec?command=true&stdout=1&flow=ack`, { protocols: v5 }), 400, "BAD_REQUEST", "flow");
  const answer = await served.request("/v1/tickets", { method: "POST", body: { exec: { command: ["true"], flow: "ack" } } });
  const { ticket } = answer.json as { ticket: string };
  const offered = { token: "", protocols: [v5, `ticket.execgate.${ticket}`] };
  assertProblem(await refusalOf(`${served.url}/v1/exec`, offered), 400, "BAD_REQUEST", "flow");
});

test("the client's first that is known is taken", async () => {
  using client = await open("true", streams, [v4, v5]);
  assert.equal(client.ws.protocol, v4);
  using older = await open("true", streams, ["v9.channel.k8s.io", v5, v4]);
  assert.equal(older.ws.protocol, v5);
});
