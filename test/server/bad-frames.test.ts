import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dial } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { sendRaw } from "../fixtures/raw-socket.ts";
import { until } from "../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway();
});
after(() => served[Symbol.asyncDispose]());

const url = () => `${served.url}/v1/exec?command=cat`;

/** Frames that the library can send, and the close code that answers. */
const messages: readonly (readonly [string, string | Buffer, number])[] = [
  ["text that is no JSON", "resize", 4400],
  ["JSON that is no object", "[]", 4400],
  ["an unknown type", '{"type":"run"}', 4400],
  ["an unknown key", '{"type":"eof","now":true}', 4400],
  ["a size as text", '{"type":"resize","cols":"80","rows":24}', 4400],
  ["a signal that is none", '{"type":"signal","signal":"INT"}', 4400],
  ["a key twice", '{"type":"resize","cols":1,"cols":2,"rows":1}', 4400],
  ["deep nesting", "[".repeat(1_000_000), 4400],
  ["another channel", Buffer.of(1, 2), 4400],
  ["no channel", Buffer.alloc(0), 4400],
  ["more than 1 MiB", Buffer.alloc(1_048_577), 1009],
];

for (const [what, message, code] of messages) {
  test(`${what} closes with ${code}, and ends the command`, async () => {
    using client = await dial(url());
    await client.control("attached");
    client.ws.send(message);
    assert.equal((await client.closed).code, code);
    if (code === 4400) assert.equal((await client.control("error")).code, "BAD_REQUEST");
    await until("end of the session", async () => (await served.metric("execgate_sessions_active")) === 0);
  });
}

test("an upgrade that is not well formed starts nothing and leaves nothing", async () => {
  const before = await served.metric("execgate_exec_start_seconds_count");
  const { host } = new URL(served.url);
  const [version, key] = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="];
  for (const [field, ...headers] of [
    ["Sec-WebSocket-Key", version],
    ["Sec-WebSocket-Key", version, "Sec-WebSocket-Key: x"],
    ["Sec-WebSocket-Version", key],
    ["Sec-WebSocket-Version", key, "Sec-WebSocket-Version: 99"],
    ["Sec-WebSocket-Protocol", version, key, "Sec-WebSocket-Protocol: v1.execgate, v1.execgate"],
    ["Sec-WebSocket-Protocol", version, key, "Sec-WebSocket-Protocol: v1.execgate,"],
  ]) {
    const fixed = `Host: ${host}\r\nAuthorization: Bearer ${testToken}\r\nConnection: Upgrade\r\nUpgrade: websocket`;
    const answer = await sendRaw(served.url, `GET /v1/exec?command=cat HTTP/1.1\r\n${fixed}\r\n${headers.join("\r\n")}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"code":"BAD_REQUEST"/);
    assert.ok(answer.includes(`"field":"${field}"`), answer);
    assert.match(answer, /^sec-websocket-version: 13\r$/im);
  }
  assert.equal(await served.metric("execgate_exec_start_seconds_count"), before);
  const live = async () => ((await served.request("/v1/sessions?state=starting")).json as { sessions: unknown[] }).sessions.length;
  await until("end of what was admitted", async () => (await live()) === 0);
});
