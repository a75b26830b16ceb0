import assert from "node:assert/strict";
import { createReadStream, readFileSync, renameSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { verifyTrail } from "../src/access/audit/verify.ts";
import { GatewayProcess } from "./fixtures/gateway-process.ts";
import { until } from "./fixtures/until.ts";

type Line = Readonly<Record<string, unknown>> & { readonly event: string };

const linesOf = (file: string): Line[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

async function assertIntact(...files: string[]): Promise<void> {
  async function* bytes() {
    for (const file of files) yield* createReadStream(file);
  }
  const verdict = await verifyTrail(bytes());
  assert.ok(verdict.isIntact, JSON.stringify(verdict));
}

describe("the audit of a gateway", () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "execgate-audit-"));
  });
  after(() => rm(dir, { recursive: true }));

  it("that is strict and cannot be written ends the start with 78 and one line", async () => {
    const file = join(dir, "nowhere", "audit.jsonl");
    await using gateway = await GatewayProcess.spawn({ settings: { audit: { file } } });
    assert.deepEqual(await gateway.exited, { status: 78, signal: null });
    assert.match(gateway.stderr, /^execgate: audit\.file: ENOENT[^\n]*$/m);
  });

  it("that is bestEffort and cannot be written goes on, and says so", async () => {
    const file = join(dir, "nowhere", "audit.jsonl");
    await using gateway = await GatewayProcess.spawn({ settings: { audit: { file, mode: "bestEffort" } } });
    const { level, mode } = await gateway.logged("the audit trail cannot be written");
    assert.deepEqual([level, mode], [50, "bestEffort"]);
    const answer = await (await gateway.requester())("/v1/exec", { method: "POST", body: { command: ["true"] } });
    assert.equal(answer.status, 200);
  });

  it("has every exec that was answered when the gateway is killed, and goes on after a restart", async () => {
    const file = join(dir, "killed.jsonl");
    const sessions: string[] = [];
    for (let start = 0; start < 2; start++) {
      await using gateway = await GatewayProcess.spawn({ settings: { audit: { file } } });
      const request = await gateway.requester();
      const exec = async () => (await request("/v1/exec", { method: "POST", body: { command: ["true"] } })).json as { id: string };
      sessions.push(...(await Promise.all(Array.from({ length: 20 }, exec))).map(({ id }) => id));
      gateway.child.kill("SIGKILL");
      await gateway.exited;
    }
    const started = new Set(linesOf(file).flatMap(({ event, session }) => (event === "exec.start" ? [session] : [])));
    assert.deepEqual(
      sessions.filter((id) => !started.has(id)),
      [],
    );
    assert.equal(linesOf(file).filter(({ event }) => event === "server.start").length, 2);
    await assertIntact(file);
  });

  it("goes on in a new file at SIGHUP when the old one was renamed", async () => {
    const [file, old] = [join(dir, "rotated.jsonl"), join(dir, "rotated.jsonl.1")];
    await using gateway = await GatewayProcess.spawn({ settings: { audit: { file } } });
    const request = await gateway.requester();
    await request("/v1/exec", { method: "POST", body: { command: ["true"] } });
    renameSync(file, old);
    gateway.child.kill("SIGHUP");
    await until("a new file", async () => {
      await request("/v1/exec", { method: "POST", body: { command: ["true"] } });
      return linesOf(old).length > 0 && (await isThere(file));
    });
    gateway.child.kill("SIGTERM");
    assert.equal((await gateway.exited).status, 0);
    assert.deepEqual([linesOf(old)[0]?.event, linesOf(file).at(-1)?.event], ["server.start", "server.stop"]);
    await assertIntact(old, file);
  });

  it("goes to stdout when it is asked to", async () => {
    await using gateway = await GatewayProcess.spawn({ settings: { audit: { file: "-" } } });
    const lines: Line[] = [];
    assert.ok(gateway.child.stdout !== null);
    createInterface({ input: gateway.child.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
    const request = await gateway.requester();
    assert.equal((await request("/v1/exec", { method: "POST", body: { command: ["true"] } })).status, 200);
    await until("the end", () => lines.some(({ event }) => event === "exec.end"));
    assert.deepEqual(
      lines.map(({ seq, event }) => [seq, event]),
      [
        [1, "server.start"],
        [2, "exec.start"],
        [3, "exec.end"],
      ],
    );
  });
});

async function isThere(file: string): Promise<boolean> {
  try {
    return linesOf(file).length > 0;
  } catch {
    return false;
  }
}
