import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { elsewhere } from "../fixtures/elsewhere.ts";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";

const page = "https://app.example.com";
let served: TestGateway;
before(async () => {
  served = await openGateway({ allowedOrigins: [page], behindProxy: true });
});
after(() => served[Symbol.asyncDispose]());

interface Given {
  readonly ticket: string;
  readonly expiresAt: string;
}

const post = (body: unknown, headers = {}) => served.request("/v1/tickets", { method: "POST", body, headers });

async function ticketFor(body: object, headers = {}): Promise<string> {
  const answer = await post(body, headers);
  assert.equal(answer.status, 201, answer.text);
  return (answer.json as Given).ticket;
}

const offer = (ticket: string, ...protocols: string[]) => ({
  token: "",
  protocols: [...(protocols.length === 0 ? ["v1.execgate"] : protocols), `ticket.execgate.${ticket}`],
});
const socket = () => `${served.url}/v1/exec`;
const starts = () => served.metric("execgate_exec_start_seconds_count");

test("a ticket opens the WebSocket that it is for, with everything that was asked for", async () => {
  const began = Date.now();
  const answer = await post({
    exec: { command: ["sh", "-c", 'echo "$A $PWD"; stty size; cat'], env: { A: "x" }, cwd: "/tmp", tty: true, cols: 91, rows: 33 },
  });
  const { ticket, expiresAt } = answer.json as Given;
  assert.match(ticket, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(answer.headers["cache-control"], "no-store");
  const lives = Date.parse(expiresAt) - began;
  assert.ok(lives > 25_000 && lives < 35_000, expiresAt);
  using client = await dial(socket(), offer(ticket));
  assert.equal(client.ws.protocol, "v1.execgate");
  const attached = await client.control("attached");
  assert.deepEqual([attached.target, attached.tty, attached.cols, attached.rows], ["host", true, 91, 33]);
  await client.untilStdout("x /tmp\r\n33 91\r\n");
  client.stdin("typed\n");
  await client.untilStdout(/typed/);
});

test("without a command it is the login shell on a terminal, and stdin is open", async () => {
  for (const exec of [{}, { command: [] }, { target: "host", tty: true, cols: 80, rows: 24 }]) {
    using client = await dial(socket(), offer(await ticketFor({ exec })));
    assert.equal((await client.control("attached")).tty, true);
    client.stdin("echo he''llo; exit 3\n");
    await client.untilStdout(/hello\r\n/);
    assert.equal((await client.control("exit")).exitCode, 3);
  }
});

test("stdin that comes with the request is written and closed, and with none it is at its end", async () => {
  using fed = await dial(socket(), offer(await ticketFor({ exec: { command: ["cat"], stdin: "aGk=", stdinEncoding: "base64" } })));
  await fed.control("exit");
  assert.equal(fed.stdout, "hi");
  using empty = await dial(socket(), offer(await ticketFor({ exec: { command: ["cat"], stdin: false } })));
  assert.equal((await empty.control("exit")).exitCode, 0);
});

test("a session of a ticket has no time limit but its own, and collects only what it is asked to", async () => {
  using timed = await dial(socket(), offer(await ticketFor({ exec: { command: ["sleep", "100"], timeoutMs: 50 } })));
  assert.equal((await timed.control("exit")).outcome, "timeout");
  using kept = await dial(socket(), offer(await ticketFor({ exec: { command: ["echo", "hello"], outputBytesMax: 3, keep: "tail" } })));
  const { session } = await kept.control("attached");
  await kept.control("exit");
  const result = (await served.request(`/v1/sessions/${session}/result`)).json as { stdout: { data: string; bytes: number } };
  assert.deepEqual([result.stdout.data, result.stdout.bytes], ["lo\n", 6]);
});

test("output is acknowledged where the ticket says so", async () => {
  using client = await dial(socket(), offer(await ticketFor({ exec: { command: ["true"], flow: "ack" } })));
  assert.ok(Number((await client.control("attached")).ackWindow) > 0);
});

test("a Kubernetes client is served by a ticket too", async () => {
  using client = await dial(socket(), offer(await ticketFor({ exec: { command: ["echo", "hello"] } }), "v5.channel.k8s.io"));
  assert.equal((await client.closed).code, 1000);
  assert.equal(client.stdout, "hello\n");
});

test("a ticket is used once", async () => {
  const ticket = await ticketFor({ exec: { command: ["true"] } });
  using client = await dial(socket(), offer(ticket));
  await client.control("exit");
  assertProblem(await refusalOf(socket(), offer(ticket)), 401, "UNAUTHENTICATED");
});

test("a ticket is for its page, its path and no other request, and is used up by trying", async () => {
  const before = await starts();
  const exec = { exec: { command: ["true"] } };
  const session = (await served.request("/v1/sessions", { method: "POST", body: { command: ["true"] } })).json as { id: string };
  const begun = before + 1;
  const attach = `${served.url}/v1/sessions/${session.id}/attach`;
  const host = new URL(served.url).host;
  for (const [issued, url, used] of [
    [{}, socket(), { origin: page }],
    [{}, socket(), { origin: `http://${host}` }],
    [{ origin: page }, socket(), { origin: `http://${host}` }],
    [{ origin: page }, socket(), {}],
    [{}, attach, {}],
    [{}, `${served.url}/v1/info`, {}],
  ] as const) {
    const ticket = await ticketFor(exec, issued);
    assertProblem(await refusalOf(url, { ...offer(ticket), headers: { ...used, ...elsewhere() } }), 401, "UNAUTHENTICATED");
    assertProblem(await refusalOf(socket(), { ...offer(ticket), headers: issued }), 401, "UNAUTHENTICATED");
  }
  assert.equal(await starts(), begun);
});

test("what a proxy adds to every request does not stand in the place of a ticket", async () => {
  const ticket = await ticketFor({ exec: { command: ["echo", "by ticket"] } });
  using client = await dial(socket(), { ...offer(ticket), token: testToken });
  assert.equal((await client.control("exit")).exitCode, 0);
  assert.equal(client.stdout, "by ticket\n");
  assertProblem(await refusalOf(socket(), { ...offer(ticket), token: testToken }), 401, "UNAUTHENTICATED");
});

test("with a ticket the query must be empty", async () => {
  const before = await starts();
  for (const query of ["?command=id", "?tty=1", "?x"]) {
    assertProblem(
      await refusalOf(`${socket()}${query}`, offer(await ticketFor({ exec: { command: ["true"] } }))),
      400,
      "BAD_REQUEST",
      "query",
    );
  }
  assert.equal(await starts(), before);
});

test("a ticket stands for nobody over plain HTTP, nor as a bearer, nor alone", async () => {
  const ticket = await ticketFor({ exec: { command: ["true"] } });
  const offered = { authorization: undefined, "sec-websocket-protocol": `v1.execgate, ticket.execgate.${ticket}` };
  assertProblem(await served.request("/v1/info", { headers: { ...offered, ...elsewhere() } }), 401, "UNAUTHENTICATED");
  const bearer = { authorization: `Bearer ${await ticketFor({ exec: { command: ["true"] } })}` };
  assertProblem(await served.request("/v1/info", { headers: { ...bearer, ...elsewhere() } }), 401, "UNAUTHENTICATED");
  const alone = await ticketFor({ exec: { command: ["true"] } });
  const answer = await refusalOf(socket(), { token: "", protocols: [`ticket.execgate.${alone}`] });
  assertProblem(answer, 400, "BAD_REQUEST", "Sec-WebSocket-Protocol");
});

test("a session is joined by a ticket, from where and as what it says", async () => {
  const body = { command: ["sh", "-c", "echo 12345678; cat"], stdin: true, keepMs: 60_000 };
  const { id } = (await served.request("/v1/sessions", { method: "POST", body })).json as { id: string };
  await served.request(`/v1/sessions/${id}/output?waitMs=5000`);
  const url = `${served.url}/v1/sessions/${id}/attach`;
  using viewer = await dial(url, offer(await ticketFor({ attach: { session: id, role: "viewer", offset: 4, flow: "ack" } })));
  const attached = await viewer.control("attached");
  assert.deepEqual([attached.session, attached.role, attached.offset], [id, "viewer", 4]);
  await viewer.untilStdout("5678\n");
  using writer = await dial(url, offer(await ticketFor({ attach: { session: id } })));
  await writer.control("attached");
  writer.stdin("more\n");
  await viewer.untilStdout("more\n");
  assertProblem(await post({ attach: { session: id, offset: 99_999 } }), 400, "BAD_REQUEST", "offset");
  assertProblem(await post({ attach: { session: "01JD0000000000000000000000" } }), 404, "SESSION_NOT_FOUND");
});

test("the refusal that the WebSocket could not tell is told when the ticket is asked for", async () => {
  assertProblem(await post({ exec: { target: "docker:web" } }), 404, "TARGET_NOT_FOUND");
  assertProblem(await post({ exec: { command: ["true"], keepMs: 1e12 } }), 400, "BAD_REQUEST", "keepMs");
  assertProblem(await post({ exec: {} }, { authorization: undefined }), 401, "UNAUTHENTICATED");
  for (const [body, field] of [
    [{}, undefined],
    [{ exec: {}, attach: { session: "x" } }, undefined],
    [{ exec: { comand: ["true"] } }, "exec.comand"],
    [{ exec: { command: "true" } }, "exec.command"],
    [{ exec: { command: [""] } }, "command.0"],
    [{ exec: { cols: 0 } }, "exec.cols"],
    [{ exec: { flow: "none" } }, "exec.flow"],
    [{ attach: {} }, "attach.session"],
    [{ attach: { session: "x", offset: "5" } }, "attach.offset"],
    [{ run: {} }, "run"],
  ] as const) {
    assertProblem(await post(body), 400, "BAD_REQUEST", field);
  }
});

test("a gateway with no room for tickets, or for the session, says so", async () => {
  await using small = await openGateway({ limits: { ticketsMax: 1, sessionsPerPrincipalMax: 1 } });
  const ask = () => small.request("/v1/tickets", { method: "POST", body: { exec: { command: ["cat"] } } });
  const { ticket } = (await ask()).json as Given;
  const full = await ask();
  assertProblem(full, 503, "OVERLOADED");
  assert.equal(full.headers["retry-after"], "30");
  using client = await dial(`${small.url}/v1/exec`, offer(ticket));
  await client.control("attached");
  assertProblem(await ask(), 429, "TOO_MANY_SESSIONS");
});
