import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { dial } from "../fixtures/exec-client.ts";
import { sumOf } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { until, untilStill } from "../fixtures/until.ts";

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
  const last = await untilStill("the output", written);
  await delay(200);
  assert.equal(await written(), last);
  const grownBytes = gateway.memory().peak - before;
  assert.ok(grownBytes < 16 * megabyte, `${grownBytes}`);
  client.ws.resume();
  await until("going on", async () => (await written()) > last + megabyte);
});
