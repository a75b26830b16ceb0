import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { dial } from "../fixtures/exec-client.ts";
import { type ExecAnswer, sumOf } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { until } from "../fixtures/until.ts";

/** The gateway stands in a process of its own here, whose memory and descriptors are its own. */
const megabyte = 1_048_576;

async function metric(request: Awaited<ReturnType<GatewayProcess["requester"]>>, name: string): Promise<number> {
  return sumOf((await request("/metrics")).text, name);
}

test("a client that does not read makes the command stand still, in little memory", async () => {
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  await request("/v1/exec", { method: "POST", body: { command: ["seq", "100000"] } });
  const written = () => metric(request, "execgate_stream_bytes_total");
  gateway.forgetPeak();
  const before = gateway.memory().now;
  using client = await dial(`${await gateway.url()}/v1/exec?command=yes`);
  await client.control("attached");
  client.ws.pause();
  let last = -1;
  await until("standstill", async () => {
    const bytes = await written();
    const isStill = bytes === last;
    last = bytes;
    if (!isStill) await delay(100);
    return isStill;
  });
  await delay(200);
  assert.equal(await written(), last);
  const grownBytes = gateway.memory().peak - before;
  assert.ok(grownBytes < 16 * megabyte, `${grownBytes}`);
  client.ws.resume();
  await until("going on", async () => (await written()) > last + megabyte);
});

test("1 GB of output is counted to the byte by a gateway that has run nothing yet, in little memory", async () => {
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  const run = async (command: string[]) =>
    (await request("/v1/exec", { method: "POST", body: { command, outputBytesMax: megabyte, encoding: "base64" } })).json as ExecAnswer;
  await run(["true"]);
  gateway.forgetPeak();
  const before = gateway.memory().now;
  const answer = await run(["head", "-c", "1000000000", "/dev/zero"]);
  assert.deepEqual([answer.exitCode, answer.stdout.bytes, answer.stdout.truncated], [0, 1_000_000_000, true]);
  assert.equal(Buffer.from(answer.stdout.data, "base64").length, megabyte);
  const grownBytes = gateway.memory().peak - before;
  assert.ok(grownBytes < 16 * megabyte, `${grownBytes}`);
});
