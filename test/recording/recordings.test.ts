import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { createId } from "../../src/exec/id.ts";
import { unconditional } from "../../src/exec/permit.ts";
import { type RecordingSettings, Recordings } from "../../src/recording/recordings.ts";
import { FakeClock, settled } from "../fixtures/clock.ts";
import { createSession, type SessionWishes } from "../fixtures/session.ts";
import { until } from "../fixtures/until.ts";

const dayMs = 24 * 60 * 60 * 1000;

async function open(t: TestContext, settings: Partial<RecordingSettings> = {}) {
  const dir = join(await mkdtemp(join(tmpdir(), "execgate-recordings-")), "kept");
  t.after(() => rm(join(dir, ".."), { recursive: true, force: true }));
  const clock = new FakeClock();
  const failures: string[] = [];
  const deps = { clock, failed: (session: string, reason: string) => void failures.push(`${session}: ${reason}`) };
  const recordings = new Recordings({ dir, mode: "off", bytesMax: 1_000_000, keepDays: 0, ...settings }, deps);
  return { dir, clock, failures, recordings };
}

/** A session with a recorder beside it whose command runs. */
async function record(recordings: Recordings, mode: "bestEffort" | "strict", wishes: SessionWishes = {}) {
  const witness = recordings.witness(mode);
  assert.ok(witness !== undefined);
  const id = createId(Date.now());
  const created = createSession({ spec: { tty: { cols: 80, rows: 24 } }, ...wishes, witness, id });
  await created.session.start();
  return { ...created, id, process: created.runtime.process };
}

const linesOf = (file: string): unknown[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test("a size stands where it took effect, also in the middle of what was read in one piece", async (t) => {
  const { dir, recordings } = await open(t);
  const { session, process, id } = await record(recordings, "strict");
  const file = join(dir, `${id}.cast`);
  process.say("narrow");
  await until("the first output", () => linesOf(file).length === 2);
  process.say("before");
  await until("what was read", () => session.log.end === 12);
  await session.resize({ cols: 100, rows: 30 });
  process.say("after");
  process.exits(0);
  process.endOutput();
  await session.finished;
  await recordings.close();
  const [header, ...events] = linesOf(file) as [Record<string, unknown>, ...[number, string, string][]];
  assert.deepEqual([header.version, header.width, header.height], [2, 80, 24]);
  const told = events.map(([, type, data]) => `${type} ${data}`).join();
  assert.match(told, /^o narrow,o before,r 100x30,o after$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test("a strict recording that is full ends its session, one of best effort ends alone", async (t) => {
  for (const mode of ["strict", "bestEffort"] as const) {
    const { dir, failures, recordings } = await open(t, { bytesMax: 2000 });
    const { session, process, id } = await record(recordings, mode);
    for (let i = 0; i < 40; i++) process.say("x".repeat(100));
    await until("the failure", () => failures.length === 1);
    assert.match(failures.join(), /would be larger than recording\.bytesMax, 2000$/);
    process.say("more");
    if (mode === "bestEffort") process.exits(0);
    process.endOutput();
    const outcome = await session.finished;
    assert.equal(outcome?.endedBy, mode === "strict" ? "policy" : null);
    assert.ok(session.log.counts.stdout >= 4000, "nobody was held back for good");
    assert.ok(statSync(join(dir, `${id}.cast`)).size <= 2000);
    assert.ok(linesOf(join(dir, `${id}.cast`)).length >= 1, "what is there is whole");
  }
});

test("a strict session does not start without its file, one of best effort does", async (t) => {
  const { dir, failures, recordings } = await open(t);
  writeFileSync(dir, "no directory");
  await assert.rejects(record(recordings, "strict"), { code: "RECORDING_UNAVAILABLE" });
  const { session } = await record(recordings, "bestEffort");
  assert.equal(session.state, "running");
  assert.equal(failures.length, 2);
});

test("a file that is removed while it is written is missed", async (t) => {
  const { dir, failures, recordings } = await open(t);
  const { session, process, id } = await record(recordings, "strict");
  rmSync(join(dir, `${id}.cast`));
  process.say("unseen");
  process.endOutput();
  assert.equal((await session.finished)?.endedBy, "policy");
  assert.match(failures.join(), /the file was removed$/);
});

test("nothing is kept of a command that was never started", async (t) => {
  const { dir, recordings } = await open(t);
  await assert.rejects(record(recordings, "strict", { behaviour: { start: "refuses" } }), { code: "COMMAND_NOT_FOUND" });
  await until("the end of the file", async () => (await ids(recordings)).length === 0);
  assert.equal(existsSync(dir), true);
});

const ids = async (recordings: Recordings): Promise<string[]> => {
  const found: string[] = [];
  for await (const { id } of recordings.list(undefined)) found.push(id);
  return found;
};

test("what a crash left half is not given out, and neither is anything that is no recording", async (t) => {
  const { dir, recordings } = await open(t);
  const { process, session, id } = await record(recordings, "strict");
  process.say("whole");
  process.exits(0);
  process.endOutput();
  await session.finished;
  await recordings.close();
  const whole = readFileSync(join(dir, `${id}.cast`), "utf8");
  appendFileSync(join(dir, `${id}.cast`), '[9.0, "o", "hal');
  const linked = createId(Date.now() + 1);
  symlinkSync(join(dir, `${id}.cast`), join(dir, `${linked}.cast`));
  const foreign = createId(Date.now() + 2);
  writeFileSync(join(dir, `${foreign}.cast`), '{"version":2}\n');
  writeFileSync(join(dir, "..", "secret.cast"), whole);

  assert.deepEqual(await ids(recordings), [id]);
  const read = await recordings.read(id, true);
  assert.ok(read !== undefined);
  assert.equal(await text(read.stream), whole);
  assert.equal(read.bytes, Buffer.byteLength(whole));
  for (const other of [linked, foreign, "../secret", `..%2Fsecret`, `${id}/../${id}`, id.toLowerCase(), ""]) {
    assert.equal(await recordings.find(other), undefined, other);
    assert.equal(await recordings.read(other, true), undefined, other);
  }
});

test("what is older than keepDays goes, at the start and every hour", async (t) => {
  const { dir, clock } = await open(t);
  const settings = { dir, mode: "off", bytesMax: 1_000_000, keepDays: 2 } as const;
  const deps = { clock, failed: () => assert.fail() };
  const before = new Recordings({ ...settings, keepDays: 0 }, deps);
  const kept: string[] = [];
  for (const ageDays of [3, 1.99, 0]) {
    const { session, process, id } = await record(before, "strict");
    process.exits(0);
    process.endOutput();
    await session.finished;
    await before.close();
    const time = (clock.now() - ageDays * dayMs) / 1000;
    utimesSync(join(dir, `${id}.cast`), time, time);
    kept.unshift(id);
  }
  const recordings = new Recordings(settings, deps);
  recordings.start();
  await until("the old one's end", async () => (await ids(recordings)).length === 2);
  clock.wallMs += dayMs / 2;
  await clock.advance(60 * 60 * 1000);
  await settled();
  await until("the next one's end", async () => (await ids(recordings)).length === 1);
  assert.deepEqual(await ids(recordings), [kept[0]]);
  await recordings.close();
  assert.equal(clock.timers, 0);
});

test("the configuration and the rule: whichever asks for more", () => {
  const deps = { clock: new FakeClock(), failed: () => undefined };
  const modes = ["off", "bestEffort", "strict"] as const;
  const of = (mode: (typeof modes)[number]) => {
    const recordings = new Recordings({ dir: "/nowhere", mode, bytesMax: 1, keepDays: 0 }, deps);
    return modes.map((record) => recordings.modeOf({ ...unconditional, record }));
  };
  assert.deepEqual(modes.map(of), [
    ["off", "bestEffort", "strict"],
    ["bestEffort", "bestEffort", "strict"],
    ["strict", "strict", "strict"],
  ]);
  assert.equal(new Recordings({ dir: "/nowhere", mode: "off", bytesMax: 1, keepDays: 0 }, deps).witness("off"), undefined);
});
