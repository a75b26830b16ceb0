import assert from "node:assert/strict";
import { createReadStream, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { verifyTrail } from "../../src/access/audit/verify.ts";
import { type Disk, mountDisk, noMount } from "../fixtures/disk.ts";
import { dial } from "../fixtures/exec-client.ts";
import { sumOf } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise, type Row, sideBySide } from "../fixtures/promise.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

/** What a refusal, the end of what runs, and recovery may each take, milliseconds. */
const msMax = 5000;

interface Fault {
  readonly name: string;
  /** Makes the trail unwritable. @param dir where its file is. @param failed resolves when the gateway has seen that it is */
  begin(disk: Disk, dir: string, failed: () => Promise<unknown>): Promise<void> | void;
  end(disk: Disk, dir: string): void;
  /** Lines about starts that the fault itself takes away: of the one-shot and the live one before it. */
  readonly lostStarts?: number;
}

const faults: readonly Fault[] = [
  {
    name: "a full disk",
    begin: ({ dir }) => fill(join(dir, "filler")),
    end: ({ dir }) => rmSync(join(dir, "filler")),
  },
  {
    name: "a removed directory",
    begin: (_, dir) => rmSync(dir, { recursive: true }),
    end: (_, dir) => mkdirSync(dir),
    lostStarts: 2,
  },
  {
    // No disk can be made read-only under an open file: a failing trail has closed it.
    name: "a full disk that becomes larger, but read-only",
    async begin(disk, _, failed) {
      fill(join(disk.dir, "filler"));
      await failed();
      disk.remount("ro,size=4m");
    },
    end: (disk) => disk.remount("rw"),
  },
];

/** Takes all the room that there is. */
function fill(file: string): void {
  for (let bytes = 64 * 1024; bytes >= 1024; ) {
    try {
      writeFileSync(file, Buffer.alloc(bytes), { flag: "a" });
    } catch {
      bytes /= 2;
    }
  }
}

async function elapsedMs(what: string, isTrue: () => boolean | Promise<boolean>): Promise<number> {
  const beganMs = performance.now();
  await until(what, isTrue, 2 * msMax);
  return performance.now() - beganMs;
}

sideBySide("a strict trail that cannot be written stops execs, and tells of the gap on recovery", () => {
  for (const fault of faults) promise("C9", fault.name, () => tryFault(fault), { skip: noMount });
});

async function* tryFault({ name, begin, end, lostStarts = 0 }: Fault): AsyncIterable<Row> {
  await using disk = await mountDisk();
  const dir = join(disk.dir, "logs");
  const file = join(dir, "audit.jsonl");
  mkdirSync(dir);
  await using gateway = await GatewayProcess.spawn({ settings: { audit: { file, mode: "strict" } } });
  const [url, request, sleep] = [await gateway.url(), await gateway.requester(), uniqueSleep()];
  let refusals = 0;
  const exec = async () => {
    const answer = await request("/v1/exec", { method: "POST", body: { command: ["true"] } });
    if (answer.status === 503) refusals++;
    return answer;
  };
  assert.equal((await exec()).status, 200);
  using client = await dial(`${url}/v1/exec?command=sleep&command=${sleep}`);
  await client.control("attached");

  await begin(disk, dir, () => gateway.logged("the audit trail cannot be written"));
  const refusedMs = await elapsedMs("refusal", async () => {
    const { status, json } = await exec();
    return status === 503 && (json as { code: string }).code === "AUDIT_UNAVAILABLE";
  });
  yield { what: `${name}: a new exec is refused after`, measured: refusedMs, limit: msMax, unit: "ms" };
  const endedMs = await elapsedMs("end of what ran", () => processesWith(sleep).length === 0);
  yield { what: `${name}: a live one is ended after`, measured: refusedMs + endedMs, limit: msMax, unit: "ms" };
  const { outcome, endedBy } = await client.control("exit");
  assert.deepEqual([outcome, endedBy], ["killed", "policy"]);

  end(disk, dir);
  const recoveredMs = await elapsedMs("recovery", async () => (await exec()).status === 200);
  yield { what: `${name}: execs run again after`, measured: recoveredMs, limit: msMax, unit: "ms" };
  const lines: Record<string, unknown>[] = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const gaps = lines.filter(({ event }) => event === "audit.gap");
  yield { what: `${name}: gaps told`, measured: gaps.length, is: "atLeast", limit: 1, unit: "" };
  const untold = refusals - gaps.reduce((sum, { refused }) => sum + Number(refused), 0);
  yield { what: `${name}: refused execs that no gap counts`, measured: untold, is: "exactly", limit: 0, unit: "" };
  const ends = lines.filter((line) => line.event === "exec.end" && line.endedBy === "policy");
  yield { what: `${name}: ends of live ones told`, measured: ends.length, is: "exactly", limit: 1, unit: "" };
  const told = lines.filter(({ event }) => event === "exec.start").length + lostStarts;
  const ran = sumOf((await request("/metrics")).text, "execgate_exec_start_seconds_count");
  yield { what: `${name}: commands that ran and are not told`, measured: ran - told, is: "exactly", limit: 0, unit: "" };
  const { isIntact } = await verifyTrail(createReadStream(file));
  yield { what: `${name}: the chain is intact`, measured: Number(isIntact), is: "exactly", limit: 1, unit: "" };
}
