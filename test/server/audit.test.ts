import assert from "node:assert/strict";
import { readFileSync, renameSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { verifyTrail } from "../../src/access/audit/verify.ts";
import type { Runtime } from "../../src/exec/runtime.ts";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { until } from "../fixtures/until.ts";

type Line = Readonly<Record<string, unknown>> & { readonly event: string; readonly session?: string };

let served: TestGateway;
let dir: string;
let file: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "execgate-audit-"));
  file = join(dir, "audit.jsonl");
  served = await openGateway({ audit: { file, redact: ["badge-\\d+"] } });
});
after(async () => {
  await served[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

function linesOf(path = file): Line[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** The lines about a session, as soon as the one of its end is there. */
async function linesAbout(session: string): Promise<Line[]> {
  const about = () => linesOf().filter((line) => line.session === session);
  await until("the end in the trail", () => about().some(({ event }) => event === "exec.end"));
  return about();
}

function host(): Runtime {
  const runtime = served.gateway.runtimes.get("host");
  assert.ok(runtime !== undefined);
  return runtime;
}

const startsOf = (text: string): number => text.split("\n").filter((line) => line.includes('"event":"exec.start"')).length;

async function assertIntact(...paths: string[]): Promise<void> {
  async function* bytes() {
    for (const path of paths) yield readFileSync(path);
  }
  assert.equal((await verifyTrail(bytes())).isIntact, true);
}

describe("the audit trail", () => {
  it("tells of a one-shot who ran what, where, how, and how it ended", async () => {
    const { id } = await served.exec({
      command: ["sh", "-c", "cat; echo no >&2; exit 3"],
      stdin: "12345",
      env: { LANG: "C" },
      cwd: "/tmp",
    });
    const [start, end] = await linesAbout(id);
    assert.ok(start !== undefined && end !== undefined);
    const { seq, prevHash, time, argvSha256, ...facts } = start;
    const who = { session: id, principal: "user:owner", credential: "owner", source: "127.0.0.1" };
    const { immutableId } = await host().resolve("host");
    const target = { id: "host", immutableId };
    assert.deepEqual(facts, {
      event: "exec.start",
      ...who,
      target,
      argv: ["sh", "-c", "cat; echo no >&2; exit 3"],
      envNames: ["LANG"],
      cwd: "/tmp",
      tty: false,
      mode: "sync",
      timeoutMs: 30_000,
      rule: null,
    });
    assert.deepEqual([typeof seq, typeof time, String(prevHash).length, String(argvSha256).length], ["number", "string", 64, 64]);
    const { seq: _, prevHash: __, time: ___, durationMs, ...ending } = end;
    assert.deepEqual(ending, {
      event: "exec.end",
      ...who,
      target,
      outcome: "exited",
      exitCode: 3,
      signal: null,
      endedBy: null,
      termination: null,
      stdinBytes: 5,
      stdoutBytes: 5,
      stderrBytes: 3,
    });
    assert.equal(typeof durationMs, "number");
  });

  it("has the start on disk before the command runs, by every way in", async (t) => {
    const before = startsOf(readFileSync(file, "utf8"));
    const seen: number[] = [];
    const start = host().start.bind(host());
    t.mock.method(host(), "start", (...args: Parameters<Runtime["start"]>) => {
      seen.push(startsOf(readFileSync(file, "utf8")) - before);
      return start(...args);
    });
    const command = ["true"];
    await served.exec({ command });
    await served.request("/v1/exec", { method: "POST", body: { command }, headers: { accept: "application/x-ndjson" } });
    await served.request("/v1/sessions", { method: "POST", body: { command } });
    using client = await dial(`${served.url}/v1/exec?command=true`);
    await client.control("exit");
    assert.deepEqual(seen, [1, 2, 3, 4]);
  });

  it("says of a command that could not be started that nothing was", async () => {
    const answer = await served.request("/v1/exec", { method: "POST", body: { command: ["no-such-command"] } });
    assertProblem(answer, 422, "COMMAND_NOT_FOUND", "command");
    await until("the refusal", () => linesOf().some(({ code }) => code === "COMMAND_NOT_FOUND"));
    const end = linesOf().find(({ code }) => code === "COMMAND_NOT_FOUND");
    assert.equal(end?.outcome, "refused");
    assert.deepEqual(
      linesOf()
        .filter(({ session }) => session === end?.session)
        .map(({ event }) => event),
      ["exec.start", "exec.end"],
    );
  });

  it("tells of nobody as who ended what was over", async () => {
    const { id } = (await served.request("/v1/sessions", { method: "POST", body: { command: ["true"] } })).json as { id: string };
    const path = `/v1/sessions/${id}`;
    await until("the end", async () => ((await served.request(path)).json as { state: string }).state === "ended");
    assert.equal((await served.request(path, { method: "DELETE" })).status, 200);
    // What was said before it stands before it.
    await linesAbout((await served.exec({ command: ["true"] })).id);
    assert.deepEqual(
      (await linesAbout(id)).map(({ event }) => event),
      ["exec.start", "exec.end"],
    );
  });

  it("tells who joined a session and who ended it", async () => {
    const created = await served.request("/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true } });
    const { id } = created.json as { id: string };
    using viewer = await dial(`${served.url}/v1/sessions/${id}/attach?role=viewer`);
    await viewer.control("attached");
    await served.request(`/v1/sessions/${id}`, { method: "DELETE" });
    const about = await linesAbout(id);
    assert.deepEqual(
      about.map(({ event, verb, endedBy }) => [event, verb ?? endedBy]),
      [
        ["exec.start", undefined],
        ["session.attach", "view"],
        ["session.kill", undefined],
        ["exec.end", "client"],
      ],
    );
  });

  it("tells of credentials that were not valid, by path and source and never by the credential", async () => {
    assertProblem(
      await refusalOf(`${served.url}/v1/exec?command=canary-in-query`, { token: "canary-in-subprotocol" }),
      401,
      "UNAUTHENTICATED",
    );
    await served.request("/v1/info?canary-in-query", { headers: { authorization: "Bearer canary-in-header" } });
    const failures = () => linesOf().filter(({ event }) => event === "authn.failure");
    await until("both failures", () => failures().length === 2);
    assert.deepEqual(
      failures().map(({ source, method, path, code }) => [source, method, path, code]),
      [
        ["127.0.0.1", "GET", "/v1/exec", "UNAUTHENTICATED"],
        ["127.0.0.1", "GET", "/v1/info", "UNAUTHENTICATED"],
      ],
    );
  });

  it("holds no secret, wherever it was", async () => {
    const command = ["true", "--password=canary-argv-1", "--token", "canary-argv-2", "Authorization: Bearer canary-argv-3", "badge-77"];
    const env = { SECRET: "canary-env", PASSWORD: "canary-env" };
    const { id } = await served.exec({ command, env, stdin: "canary-stdin" });
    using client = await dial(`${served.url}/v1/exec?command=cat&env=KEY%3Dcanary-env`);
    await client.control("attached");
    const [start] = await linesAbout(id);
    assert.deepEqual(start?.argv, ["true", "--password=[redacted]", "--token", "[redacted]", "Authorization: [redacted]", "[redacted]"]);
    assert.deepEqual([start?.envNames, start?.argvSha256, String(start?.argvHmacSha256).length], [["SECRET", "PASSWORD"], undefined, 64]);
    const all = [readFileSync(file, "utf8"), JSON.stringify(served.logLines), (await served.request("/metrics")).text].join();
    for (const secret of ["canary", "badge-77", testToken]) assert.ok(!all.includes(secret), `${secret} is to be seen`);
    // The same command has the same mark, by which it is found again.
    const { id: again } = await served.exec({ command });
    assert.equal((await linesAbout(again))[0]?.argvHmacSha256, start?.argvHmacSha256);
  });

  it("counts its lines, is intact, and carries on in a new file when it is told to", async () => {
    assert.ok((await served.metric("execgate_audit_events_total", 'event="exec.start"')) >= 5);
    const old = `${file}.1`;
    renameSync(file, old);
    served.gateway.audit.reopen();
    await served.exec({ command: ["true"] });
    assert.equal(linesOf().at(0)?.seq, Number(linesOf(old).at(-1)?.seq) + 1);
    await served.shutdown();
    assert.deepEqual([linesOf(old)[0]?.event, linesOf().at(-1)?.event], ["server.start", "server.stop"]);
    await assertIntact(old, file);
  });
});
