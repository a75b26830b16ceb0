import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dial } from "../fixtures/exec-client.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import type { HttpAnswer } from "../fixtures/http-answer.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { isAllowed } from "../fixtures/programs.ts";
import { promise, type Row } from "../fixtures/promise.ts";
import { connectRaw } from "../fixtures/raw-socket.ts";
import { until } from "../fixtures/until.ts";

type Request = Awaited<ReturnType<GatewayProcess["requester"]>>;

/** Answers that are neither 200 nor 503 OVERLOADED, and requests without any. */
function otherwise(answers: readonly PromiseSettledResult<HttpAnswer>[]): number {
  return answers.filter((answer) => answer.status === "rejected" || !isEither(answer.value)).length;
}

function isEither({ status, json }: HttpAnswer): boolean {
  return status === 200 || (status === 503 && (json as { code?: string }).code === "OVERLOADED");
}

async function recovery(request: Request): Promise<number> {
  const beganMs = performance.now();
  const isBack = async () =>
    (await request("/v1/exec", { method: "POST", body: { command: ["true"] } }).catch(() => undefined))?.status === 200;
  await until("recovery", isBack, 10_000);
  return performance.now() - beganMs;
}

promise("B9", "without descriptors commands are refused with a code, and everything else goes on", async function* (scale) {
  await using gateway = await GatewayProcess.spawn({ under: ["prlimit", "--nofile=256"] });
  const [request, url] = [await gateway.requester(), await gateway.url()];
  using shell = await dial(`${url}/v1/exec?tty=1&command=sh`);
  await shell.control("attached");
  const run = () => request("/v1/exec", { method: "POST", body: { command: ["sleep", "1"] } });
  const rounds = scale === "full" ? 10 : 1;
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.allSettled(Array.from({ length: 150 }, run));
    const refused = answers.filter((answer) => answer.status === "fulfilled" && answer.value.status === 503).length;
    if (round > 0) continue;
    yield {
      what: "of 150 commands at once, those refused with 503 OVERLOADED",
      measured: refused,
      is: "atLeast",
      limit: 1,
      unit: "commands",
    };
    yield { what: "of 150 commands at once, those neither run nor so refused", measured: otherwise(answers), limit: 0, unit: "commands" };
  }
  yield { what: "the next command runs after", measured: await recovery(request), limit: 1000, unit: "ms" };

  // Connections that stay, as many as there can be: whoever comes then still gets an answer, and who is there goes on.
  const peers = await Promise.all(Array.from({ length: 400 }, () => connectRaw(url)));
  const beganMs = performance.now();
  const health = await Promise.allSettled([request("/healthz")]);
  yield { what: "while 400 connections stay, answers of /healthz missing", measured: otherwise(health), limit: 0, unit: "answers" };
  yield { what: "its answer after", measured: performance.now() - beganMs, limit: 500, unit: "ms" };
  shell.stdin("echo $((40 + 2))\n");
  await shell.untilStdout(/^42\r$/m);
  yield { what: "a session that is open echoes", measured: 1, is: "exactly", limit: 1, unit: "session" };
  for (const peer of peers) peer.destroy();
  yield { what: "the next command runs after they left", measured: await recovery(request), limit: 1000, unit: "ms" };
  assert.equal(gateway.child.exitCode, null);
});

promise("B9", "a limit that falls below what is open is a typed refusal, and no end", async function* () {
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  const run = (command: string[]) => request("/v1/exec", { method: "POST", body: { command } });
  assert.equal((await run(["true"])).status, 200);
  // Lowered when everything is loaded and counted, so that descriptors run out where nobody looked for it.
  execFileSync("prlimit", [`--pid=${gateway.child.pid}`, "--nofile=100:100"]);
  const answers = await Promise.allSettled(Array.from({ length: 60 }, () => run(["sleep", "0.5"])));
  const given = answers.filter(({ status }) => status === "fulfilled");
  yield { what: "of 60 commands at once, answers that are neither 200 nor 503", measured: otherwise(given), limit: 0, unit: "answers" };
  yield { what: "the next command runs after", measured: await recovery(request), limit: 1000, unit: "ms" };
  assert.equal(gateway.child.exitCode, null);
});

const pidsController = "/sys/fs/cgroup/pids";

/** A gateway whose right to make processes can be taken: by a control group around it and its commands, or by its user's limit. */
interface Limited extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  /** Runs `work` while no process can be made. */
  withoutProcesses(work: () => Promise<void>): Promise<void>;
}

async function spawnLimited(): Promise<Limited> {
  return process.getuid?.() === 0 ? await spawnInGroup() : limitUser(await GatewayProcess.spawn());
}

function limitUser(gateway: GatewayProcess): Limited {
  const limit = (processes: number) => execFileSync("prlimit", [`--pid=${gateway.child.pid}`, `--nproc=${processes}:`]);
  return {
    gateway,
    async withoutProcesses(work) {
      limit(0);
      await work();
      limit(1000);
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

/** It makes the groups of its commands in the one that it is born in. */
async function spawnInGroup(): Promise<Limited> {
  const group = `${pidsController}/execgate-test-${process.pid}`;
  mkdirSync(group);
  writeFileSync(`${group}/cgroup.procs`, String(process.pid));
  const gateway = await GatewayProcess.spawn().finally(() => writeFileSync(`${pidsController}/cgroup.procs`, String(process.pid)));
  return {
    gateway,
    async withoutProcesses(work) {
      writeFileSync(`${group}/pids.max`, readFileSync(`${group}/pids.current`));
      try {
        await work();
      } finally {
        writeFileSync(`${group}/pids.max`, "max");
      }
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await until("removal of the group", () => [`${group}/execgate`, group].every(isRemoved));
    },
  };
}

function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

const withoutPids =
  process.getuid?.() !== 0 || isAllowed(pidsController, constants.W_OK) ? false : "no pids controller that can be written to";

promise(
  "B9",
  "without processes commands are refused with a code",
  async function* (scale) {
    await using limited = await spawnLimited();
    const request = await limited.gateway.requester();
    const run = () => request("/v1/exec", { method: "POST", body: { command: ["true"] } });
    assert.equal((await run()).status, 200);
    const [count, answers] = [scale === "full" ? 1000 : 50, [] as HttpAnswer[]];
    await limited.withoutProcesses(() => inParallel(8, count, async () => void answers.push(await run())));
    const refused = answers.filter((answer) => answer.status === 503 && isEither(answer)).length;
    yield {
      what: `of ${count} commands, those refused with 503 OVERLOADED`,
      measured: refused,
      is: "exactly",
      limit: count,
      unit: "commands",
    };
    yield { what: "the next command runs after", measured: await recovery(request), limit: 1000, unit: "ms" };
  },
  { skip: withoutPids },
);

promise("B9", "without memory for answers commands are refused with a code", async function* (): AsyncGenerator<Row> {
  await using gateway = await GatewayProcess.spawn({ settings: { limits: { collectBytesTotal: 8_000_000 } } });
  const request = await gateway.requester();
  const run = () => request("/v1/exec", { method: "POST", body: { command: ["sleep", "1"], outputBytesMax: 1_000_000 } });
  const answers = await Promise.all(Array.from({ length: 20 }, run));
  const refused = answers.filter((answer) => answer.status === 503 && isEither(answer)).length;
  yield {
    what: "of 20 commands with room for 4, those refused with 503 OVERLOADED",
    measured: refused,
    is: "exactly",
    limit: 16,
    unit: "commands",
  };
  yield { what: "the next command runs after", measured: await recovery(request), limit: 1000, unit: "ms" };
});
