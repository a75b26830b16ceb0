import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ContainerDaemons, hasContainers } from "../fixtures/container-daemons.ts";
import { type ExecAnswer, openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { skipWithout } from "../fixtures/require.ts";
import { stopProcess } from "../fixtures/stop-process.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

/** How soon the end of something must be told, milliseconds. */
const toldMsMax = 5000;

describe("C8, docker: what happens to a container and its daemon is told, and nothing runs twice", {
  skip: skipWithout("docker", hasContainers),
}, () => {
  let daemons: ContainerDaemons;
  let served: TestGateway;

  before(async () => {
    daemons = await ContainerDaemons.start();
    served = await openGateway({ runtimes: { docker: { socket: daemons.dockerSocket } } });
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await daemons[Symbol.asyncDispose]();
  });

  const send = (body: object) => served.request("/v1/exec", { method: "POST", body });
  const problem = async (body: object) => {
    const { status, json } = await send(body);
    return { status, ...(json as { code: string; state?: string }) };
  };
  const isUp = async (): Promise<boolean> => {
    const { json } = await served.request("/readyz");
    return (json as { runtimes: Record<string, { up: boolean }> }).runtimes.docker?.up === true;
  };

  /** Starts a command that writes down that it was started, and sleeps; then does `harm`. Gives its answer. */
  async function harmed(name: string, harm: () => Promise<unknown>, timeoutMs = 60_000): Promise<ExecAnswer & { toldMs: number }> {
    const sleep = uniqueSleep();
    const script = `echo run >>/tmp/runs; echo begun; sleep ${sleep} & sleep ${sleep}`;
    const answered = send({ target: `docker:${name}`, command: ["sh", "-c", script], timeoutMs });
    await until("the command", () => processesWith(sleep).length >= 2);
    await harm();
    const harmedMs = performance.now();
    const { status, json, text } = await answered;
    const toldMs = performance.now() - harmedMs;
    assert.equal(status, 200, text);
    assert.ok(toldMs < toldMsMax, `it took ${toldMs} ms`);
    return { ...(json as ExecAnswer), toldMs };
  }

  async function runsOnce(name: string): Promise<void> {
    const { stdout } = await served.exec({ target: `docker:${name}`, command: ["cat", "/tmp/runs"] });
    assert.equal(stdout.data, "run\n");
  }

  test("a container that is killed ends its commands, and another can run when it is back", async () => {
    await daemons.container("killed");
    const answer = await harmed("killed", () => daemons.docker("kill", "killed"));
    assert.deepEqual([answer.outcome, answer.exitCode, answer.stdout.data], ["exited", 137, "begun\n"]);
    assert.deepEqual((await problem({ target: "docker:killed", command: ["true"] })).state, "exited");
    await daemons.docker("start", "killed");
    await runsOnce("killed");
  });

  test("a container that is restarted ends its commands, and is the same target after", async () => {
    await daemons.container("restarted");
    const answer = await harmed("restarted", () => daemons.docker("restart", "restarted"));
    assert.deepEqual([answer.outcome, answer.exitCode], ["exited", 137]);
    await runsOnce("restarted");
  });

  test("a container that is removed ends its commands, and is no target after", async () => {
    await daemons.container("removed");
    const answer = await harmed("removed", () => daemons.docker("rm", "-f", "removed"));
    assert.deepEqual([answer.outcome, answer.exitCode], ["exited", 137]);
    assert.deepEqual((await problem({ target: "docker:removed", command: ["true"] })).status, 404);
  });

  test("what runs in a container that is paused is not said to be gone, and goes when it goes on", async () => {
    await daemons.container("paused");
    const sleep = uniqueSleep();
    // Time enough to be paused before, also on a machine that is busy.
    const timeoutMs = 2000;
    const answered = send({ target: "docker:paused", command: ["sh", "-c", `setsid sleep ${sleep} & sleep ${sleep}`], timeoutMs });
    await until("the command", () => processesWith(sleep).length >= 2);
    await daemons.docker("pause", "paused");
    const { outcome, termination, durationMs } = (await answered).json as ExecAnswer;
    assert.ok(durationMs - timeoutMs < toldMsMax, `it took ${durationMs} ms`);
    assert.deepEqual([outcome, termination], ["timeout", "bestEffort"]);
    assert.equal((await problem({ target: "docker:paused", command: ["true"] })).state, "paused");
    await daemons.docker("unpause", "paused");
    await until("end of what was killed", () => processesWith(sleep).length === 0);
    assert.equal((await served.exec({ target: "docker:paused", command: ["true"] })).exitCode, 0);
  });

  test("a container without room for another process refuses, and takes commands again", async () => {
    // With an init that takes the dead away, who else would go on counting.
    await daemons.container("full", "--pids-limit", "24", "--init");
    const sleep = uniqueSleep();
    const script = `for i in $(seq 20); do sleep ${sleep} & done; cat`;
    const body = { target: "docker:full", command: ["sh", "-c", script], stdin: true };
    const { id } = (await served.request("/v1/sessions", { method: "POST", body })).json as { id: string };
    await until("full container", () => processesWith(sleep).length >= 20);
    // The kernel lets the first process of an exec in; whether the threads that start it find room is up to the moment.
    for (let tries = 0; tries < 3; tries++) {
      const begunMs = performance.now();
      const { status, code } = await problem({ target: "docker:full", command: ["true"] });
      assert.ok(performance.now() - begunMs < toldMsMax);
      if (status !== 200) assert.deepEqual([status, code], [503, "OVERLOADED"]);
    }
    const ended = await served.request(`/v1/sessions/${id}`, { method: "DELETE" });
    assert.equal((ended.json as { termination?: string }).termination ?? "verified", "verified", ended.text);
    await until("room", () => processesWith(sleep).length === 0);
    assert.equal((await served.exec({ target: "docker:full", command: ["true"] })).exitCode, 0);
  });

  test("a daemon that hangs is down, and is up when it goes on", async () => {
    await daemons.container("hanging");
    await stopProcess(daemons.dockerdPid);
    const begunMs = performance.now();
    const asked = [problem({ target: "docker:hanging", command: ["true"] }), served.request("/v1/targets"), isUp()] as const;
    const [refused, targets, up] = await Promise.all(asked).finally(() => process.kill(daemons.dockerdPid, "SIGCONT"));
    assert.ok(performance.now() - begunMs < toldMsMax);
    assert.deepEqual([refused.status, refused.code, up], [503, "RUNTIME_UNAVAILABLE", false]);
    const { targets: listed, unavailable } = targets.json as { targets: { id: string }[]; unavailable: string[] };
    assert.deepEqual([listed.map((target) => target.id), unavailable], [["host"], ["docker"]]);
    assert.equal((await served.exec({ target: "docker:hanging", command: ["true"] })).exitCode, 0);
  });

  test("with its daemon killed a command is lost, and one runs when the daemon is back", async () => {
    await daemons.container("orphan", "--restart", "always");
    const answer = await harmed("orphan", () => daemons.stopDockerd("SIGKILL"));
    assert.deepEqual([answer.outcome, answer.exitCode, answer.drained], ["lost", null, false]);
    assert.equal((await problem({ target: "docker:orphan", command: ["true"] })).code, "RUNTIME_UNAVAILABLE");
    assert.equal(await isUp(), false);
    assert.equal(await served.metric("execgate_runtime_up", 'runtime="docker"'), 0);
    assert.equal(await served.metric("execgate_runtime_up", 'runtime="host"'), 1);
    await daemons.startDockerd();
    assert.equal(await isUp(), true);
    assert.equal(await served.metric("execgate_runtime_up", 'runtime="docker"'), 1);
    await runsOnce("orphan");
  });

  test("with its daemon stopped and started again commands end, and run again", async () => {
    await daemons.container("kept", "--restart", "always");
    const answer = await harmed("kept", () => daemons.stopDockerd("SIGTERM"));
    assert.ok(["exited", "lost"].includes(answer.outcome));
    if (answer.outcome === "exited") assert.equal(answer.exitCode, 137);
    await daemons.startDockerd();
    await runsOnce("kept");
  });

  test("a socket that is not there at the start stops nothing, and is used when it comes", async () => {
    const socket = join(daemons.directory, "late.sock");
    await daemons.container("late");
    await using early = await openGateway({ runtimes: { docker: { socket } } });
    const exec = () => early.request("/v1/exec", { method: "POST", body: { target: "docker:late", command: ["true"] } });
    assert.equal(((await exec()).json as { code: string }).code, "RUNTIME_UNAVAILABLE");
    assert.equal((await early.request("/readyz")).status, 200);
    assert.equal((await early.exec({ command: ["true"] })).exitCode, 0);
    await symlink(daemons.dockerSocket, socket);
    assert.equal((await exec()).status, 200);
  });
});
