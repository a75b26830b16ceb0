import assert from "node:assert/strict";
import { test } from "node:test";
import { dial } from "../fixtures/exec-client.ts";
import { type ExecAnswer, openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { attributeOf, type OtlpSpan, openReceiver, type Receiver } from "./otlp-receiver.ts";

const parent = { trace: "0af7651916cd43dd8448eb211c80319c", span: "b7ad6b7169203331" };
const traceparent = `00-${parent.trace}-${parent.span}-01`;
const showTrace = { command: ["sh", "-c", "echo $TRACEPARENT"] };

/** A gateway that sends its spans to a receiver. The end of the gateway sends what waits. */
async function traced(tracing: object, use: (served: TestGateway) => Promise<void>): Promise<Receiver> {
  await using receiver = await openReceiver();
  await using served = await openGateway({ tracing: { endpoint: receiver.endpoint, ...tracing } });
  await use(served);
  await served.shutdown();
  return receiver;
}

const post = async (served: TestGateway, body: object, headers = {}) =>
  (await served.request("/v1/exec", { method: "POST", body, headers })).json as ExecAnswer;

const find = ({ spans }: Receiver, session: string): OtlpSpan => {
  const span = spans.find((one) => attributeOf(one, "execgate.session") === session);
  assert.ok(span, `no span of ${session}`);
  return span;
};

test("an exec is a span below the caller's, with its target and how it ended", async () => {
  const answers: ExecAnswer[] = [];
  const receiver = await traced({}, async (served) => {
    answers.push(await post(served, { command: ["sh", "-c", "exit 3"] }, { traceparent }));
    answers.push(await post(served, { command: ["sleep", "9"], timeoutMs: 30 }));
  });
  assert.deepEqual(receiver.services, new Set(["execgate"]));
  const [exited, late] = answers.map(({ id }) => find(receiver, id));
  assert.ok(exited && late);
  assert.deepEqual([exited.traceId, exited.parentSpanId, exited.name], [parent.trace, parent.span, "exec host"]);
  assert.deepEqual(
    ["execgate.target", "execgate.mode", "execgate.outcome", "process.exit.code", "execgate.principal"].map((key) =>
      attributeOf(exited, key),
    ),
    ["host", "sync", "exited", 3, "user:owner"],
  );
  assert.equal(exited.status.code ?? 0, 0, "an exit code is no error of the exec");
  assert.notEqual(late.traceId, parent.trace);
  assert.ok(!late.parentSpanId);
  assert.deepEqual([attributeOf(late, "execgate.outcome"), late.status.code], ["timeout", 2]);
  assert.ok(Number(late.endTimeUnixNano) - Number(late.startTimeUnixNano) >= 25e6);
});

test("what could not be started is a span with its code, and arguments are in none", async () => {
  const receiver = await traced({}, async (served) => {
    const refused = await served.request("/v1/exec", { method: "POST", body: { command: ["no-such-command", "--password=secret"] } });
    assert.equal(refused.status, 422);
  });
  const [span] = receiver.spans;
  assert.ok(span);
  assert.deepEqual(
    [attributeOf(span, "execgate.outcome"), attributeOf(span, "error.type"), span.status.code],
    ["refused", "COMMAND_NOT_FOUND", 2],
  );
  assert.ok(!JSON.stringify(receiver.spans).includes("secret"));
});

test("a WebSocket's exec is a span too", async () => {
  const receiver = await traced({}, async (served) => {
    using client = await dial(`${served.url}/v1/exec?command=true`, { headers: { traceparent } });
    await client.control("exit");
  });
  const [span] = receiver.spans;
  assert.deepEqual([span?.traceId, span && attributeOf(span, "execgate.mode")], [parent.trace, "interactive"]);
});

test("a command is told of its span where that is asked for, and else of nothing", async () => {
  let [told, untold, own] = ["", "", ""];
  const receiver = await traced({ handOn: true }, async (served) => {
    told = (await post(served, showTrace, { traceparent })).stdout.data.trim();
    own = (await post(served, { ...showTrace, env: { TRACEPARENT: "mine" } }, { traceparent })).stdout.data.trim();
  });
  await traced({}, async (served) => {
    untold = (await post(served, showTrace, { traceparent })).stdout.data.trim();
  });
  const span = receiver.spans.find(({ spanId }) => told.includes(spanId));
  assert.ok(span, told);
  assert.equal(told, `00-${parent.trace}-${span.spanId}-01`);
  assert.deepEqual([own, untold], ["mine", ""]);
});

test("a caller that is not sampled has no span, and its command still stands in its trace", async () => {
  let told = "";
  const receiver = await traced({ handOn: true }, async (served) => {
    told = (await post(served, showTrace, { traceparent: traceparent.replace(/01$/, "00") })).stdout.data.trim();
  });
  assert.deepEqual(receiver.spans, []);
  assert.match(told, new RegExp(`^00-${parent.trace}-[0-9a-f]{16}-00$`));
});

test("a ratio of 0 makes no trace begin here", async () => {
  const receiver = await traced({ ratio: 0 }, async (served) => {
    await post(served, { command: ["true"] });
    await post(served, { command: ["true"] }, { traceparent });
  });
  assert.deepEqual(
    receiver.spans.map(({ traceId }) => traceId),
    [parent.trace],
  );
});

test("a receiver that is not there costs a line of the log, and no command", async () => {
  await using served = await openGateway({ tracing: { endpoint: "http://127.0.0.1:9/v1/traces" } });
  assert.equal((await post(served, { command: ["true"] })).exitCode, 0);
  const began = performance.now();
  await served.shutdown();
  assert.ok(performance.now() - began < 5000);
  assert.ok(served.logLines.some(({ msg }) => msg === "tracing"));
});
