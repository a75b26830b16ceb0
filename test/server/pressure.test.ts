import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { dial } from "../fixtures/exec-client.ts";
import { type ExecAnswer, sumOf } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
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

test("500 failed starts leave as many descriptors as before", async () => {
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  const count = () => readdirSync(`/proc/${gateway.child.pid}/fd`).length;
  const fail = (tty: boolean) => request("/v1/exec", { method: "POST", body: { command: ["no-such-command"], tty } });
  await Promise.all([fail(true), fail(false)]);
  await until("closed connections", () => count() < 40);
  const before = count();
  for (let i = 0; i < 25; i++) {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, k) => fail(k % 2 === 0)));
    for (const answer of answers) assertProblem(answer, 422, "COMMAND_NOT_FOUND", "command");
  }
  await until("closed connections", () => count() <= before);
});

test("without descriptors there is a typed refusal, and afterwards all is well", async () => {
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  const run = (command: string[]) => request("/v1/exec", { method: "POST", body: { command } });
  assert.equal((await run(["true"])).status, 200);
  // Lowered when everything is loaded, so that what runs out are the descriptors of requests and commands.
  execFileSync("prlimit", [`--pid=${gateway.child.pid}`, "--nofile=100:100"]);
  const answers = await Promise.allSettled(Array.from({ length: 60 }, () => run(["sleep", "0.5"])));
  const settled = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const refused = settled.filter(({ status }) => status !== 200);
  assert.ok(refused.length > 0 && settled.length > refused.length, `${settled.length} answers, ${refused.length} refused`);
  for (const answer of refused) assertProblem(answer, 503, "OVERLOADED");
  await until("recovery", async () => (await run(["true"])).status === 200);
  assert.equal(gateway.child.exitCode, null);
});

const pidsController = "/sys/fs/cgroup/pids";

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const withoutPids = isWritable(pidsController) ? false : "no pids controller that can be written to";

test("without processes there is a typed refusal, and afterwards all is well", { skip: withoutPids }, async (t) => {
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  const run = () => request("/v1/exec", { method: "POST", body: { command: ["true"] } });
  assert.equal((await run()).status, 200);
  const group = `${pidsController}/execgate-test-${gateway.child.pid}`;
  mkdirSync(group);
  t.after(() => rmdirSync(group));
  writeFileSync(`${group}/cgroup.procs`, String(gateway.child.pid));
  writeFileSync(`${group}/pids.max`, readFileSync(`${group}/pids.current`));
  assertProblem(await run(), 503, "OVERLOADED");
  writeFileSync(`${group}/pids.max`, "max");
  assert.equal((await run()).status, 200);
  writeFileSync(`${pidsController}/cgroup.procs`, String(gateway.child.pid));
});
