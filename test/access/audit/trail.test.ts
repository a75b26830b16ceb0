import assert from "node:assert/strict";
import {
  appendFileSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { AuditEvent } from "../../../src/access/audit/events.ts";
import { AuditFile } from "../../../src/access/audit/file.ts";
import type { AuditSink } from "../../../src/access/audit/sink.ts";
import { type AuditMode, AuditTrail, checkMs, stallMs } from "../../../src/access/audit/trail.ts";
import { verifyTrail } from "../../../src/access/audit/verify.ts";
import { waitingBytesMax } from "../../../src/access/audit/waiting.ts";
import { FakeClock, settled } from "../../fixtures/clock.ts";
import { mountDisk, noMount } from "../../fixtures/disk.ts";
import { until } from "../../fixtures/until.ts";

const refused = { code: "AUDIT_UNAVAILABLE" };

/** An event of about `bytes` bytes. */
function event(name = "x", bytes = 0): AuditEvent {
  return { event: "recording.failure", session: name, reason: "r".repeat(bytes) };
}

/** A directory of the test's own. */
async function scratch() {
  const dir = await mkdtemp(join(tmpdir(), "execgate-audit-"));
  return { dir, file: join(dir, "audit.jsonl"), [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

/** A trail into `file` with a clock that is moved by hand, and what it told. */
async function open(file: string, mode: AuditMode = "strict", wrap = (sink: AuditSink): AuditSink => sink) {
  const clock = new FakeClock();
  const told: string[] = [];
  const openSink = async (previous?: AuditSink): Promise<AuditSink> => wrap(await AuditFile.open(file, previous));
  const trail = await AuditTrail.start(openSink, {
    mode,
    clock,
    failing: (reason) => told.push(`failing: ${reason}`),
    recovered: () => told.push("recovered"),
  });
  return { trail, clock, told, [Symbol.asyncDispose]: () => closeNow(trail, clock) };
}

/** Closes without waiting for what does not answer. */
async function closeNow(trail: AuditTrail, clock: FakeClock): Promise<void> {
  const closed = trail.close();
  let isClosed = false;
  void closed.then(() => {
    isClosed = true;
  });
  await until("the trail is closed", async () => {
    await clock.advance(stallMs);
    return isClosed;
  });
}

/** Whether a descriptor of this process is this file; it may be closed meanwhile. */
function isLinkTo(fd: string, file: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === file;
  } catch {
    return false;
  }
}

type Line = Record<string, unknown> & { readonly seq: number; readonly event: string };

function linesOf(file: string): Line[] {
  const text = readFileSync(file, "utf8");
  assert.ok(text === "" || text.endsWith("\n"), "the file ends in a whole line");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Follows the chain through the files as through one. */
async function assertIntact(...files: string[]): Promise<void> {
  async function* bytes() {
    for (const file of files) yield readFileSync(file);
  }
  const verdict = await verifyTrail(bytes());
  assert.ok(verdict.isIntact, JSON.stringify(verdict));
}

describe("a trail", () => {
  it("has committed lines on disk, others soon, all in their order, with mode 0600", async () => {
    await using at = await scratch();
    await using opened = await open(at.file);
    opened.trail.record(event("first"));
    await opened.trail.commit(event("second"));
    assert.deepEqual(
      linesOf(at.file).map(({ seq, session }) => [seq, session]),
      [
        [1, "first"],
        [2, "second"],
      ],
    );
    opened.trail.record(event("third"));
    await opened.clock.advance(100);
    await until("the third line", () => linesOf(at.file).length === 3);
    assert.equal(statSync(at.file).mode & 0o777, 0o600);
    await assertIntact(at.file);
  });

  it("shares one write among all that start while another is under way", async () => {
    await using at = await scratch();
    let writes = 0;
    const counted = (sink: AuditSink): AuditSink => ({
      end: sink.end,
      cutBytes: sink.cutBytes,
      append: (lines) => {
        writes++;
        return sink.append(lines);
      },
      check: () => sink.check(),
      close: () => sink.close(),
    });
    await using opened = await open(at.file, "strict", counted);
    await Promise.all(Array.from({ length: 200 }, (_, i) => opened.trail.commit(event(`naïve 日本 ${i}`))));
    assert.ok(writes <= 3, `${writes} writes`);
    assert.deepEqual(
      linesOf(at.file).map(({ session }) => session),
      Array.from({ length: 200 }, (_, i) => `naïve 日本 ${i}`),
    );
    await assertIntact(at.file);
  });

  it("goes to the disk with every write", async () => {
    await using at = await scratch();
    await using _opened = await open(at.file);
    const flags = readdirSync("/proc/self/fd")
      .filter((fd) => isLinkTo(fd, at.file))
      .map((fd) => Number.parseInt(/^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8));
    assert.deepEqual(
      flags.map((flag) => (flag & constants.O_DSYNC) !== 0),
      [true],
    );
  });

  it("goes on with its chain after a restart", async () => {
    await using at = await scratch();
    for (const name of ["one", "two"]) {
      await using opened = await open(at.file);
      await opened.trail.commit(event(name));
    }
    assert.deepEqual(
      linesOf(at.file).map(({ seq }) => seq),
      [1, 2],
    );
    await assertIntact(at.file);
  });

  it("cuts half a line off that a crash left, also one of zeros, and tells", async () => {
    await using at = await scratch();
    for (const half of ['{"seq":2,"prevHash":"ab', '{"s', "\0\0\0\0"]) {
      rmSync(at.file, { force: true });
      {
        await using opened = await open(at.file);
        await opened.trail.commit(event("whole"));
      }
      appendFileSync(at.file, half);
      await using opened = await open(at.file);
      await opened.trail.commit(event("next"));
      const [, gap, next] = linesOf(at.file);
      assert.deepEqual([gap?.event, gap?.cutBytes, next?.session], ["audit.gap", half.length, "next"]);
      await assertIntact(at.file);
    }
  });

  it("is whole again wherever a crash has cut it", async () => {
    await using at = await scratch();
    {
      await using opened = await open(at.file);
      for (const name of ["one", "two", "three"]) await opened.trail.commit(event(name));
    }
    const whole = readFileSync(at.file);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (size) => {
        writeFileSync(at.file, whole.subarray(0, size));
        const lines = whole.subarray(0, size).toString().split("\n").length - 1;
        const isCut = size > 0 && whole[size - 1] !== 10;
        await using opened = await open(at.file);
        await opened.trail.commit(event("next"));
        assert.deepEqual(
          linesOf(at.file).map(({ seq }) => seq),
          Array.from({ length: lines + 1 + Number(isCut) }, (_, index) => index + 1),
        );
        await assertIntact(at.file);
      }),
      { numRuns: 60 },
    );
  });

  it("reads a last line that is longer than what it reads at a time", async () => {
    await using at = await scratch();
    {
      await using opened = await open(at.file);
      await opened.trail.commit(event("long", 300_000));
    }
    await using opened = await open(at.file);
    await opened.trail.commit(event("next"));
    await assertIntact(at.file);
  });

  it("touches no file that is no trail", async () => {
    await using at = await scratch();
    for (const text of ["precious\n", "precious", "{}\n", '{"seq":1}\nprecious']) {
      writeFileSync(at.file, text);
      await assert.rejects(open(at.file), /does not end in a line of an audit trail/);
      assert.equal(readFileSync(at.file, "utf8"), text);
    }
    await assert.rejects(open(at.dir), /EISDIR/);
    symlinkSync("/dev/null", join(at.dir, "null"));
    await assert.rejects(open(join(at.dir, "null")), /not a regular file/);
  });

  it("carries the chain on in a new file when the old one was renamed", async () => {
    await using at = await scratch();
    await using opened = await open(at.file);
    await opened.trail.commit(event("old"));
    const old = join(at.dir, "audit.1");
    renameSync(at.file, old);
    await opened.trail.commit(event("old still"));
    opened.trail.reopen();
    await opened.trail.commit(event("new"));
    assert.deepEqual([linesOf(old).length, linesOf(at.file).length, opened.told], [2, 1, []]);
    await assertIntact(old, at.file);
    opened.trail.reopen();
    await opened.trail.commit(event("the same file again"));
    assert.deepEqual([linesOf(at.file).length, opened.told], [2, []]);
    await assertIntact(old, at.file);
  });

  it("escapes what a terminal would obey or not show", async () => {
    await using at = await scratch();
    await using opened = await open(at.file);
    const odd = "\u001b[2J\u007f\u009b1m\u202eevil\u2066\u200b\u2028\u{e0041}\n";
    await opened.trail.commit(event(odd));
    assert.match(readFileSync(at.file, "utf8"), /^[\x20-\x7e]*\n$/);
    assert.equal(linesOf(at.file)[0]?.session, odd);
  });
});

describe("a trail whose disk fails", () => {
  for (const mode of ["strict", "bestEffort"] as const) {
    it(`${mode}: a full disk leaves no half line, and the gap is told when there is room again`, { skip: noMount }, async () => {
      await using disk = await mountDisk();
      const file = join(disk.dir, "audit.jsonl");
      await using opened = await open(file, mode);
      await opened.trail.commit(event("before"));
      writeFileSync(join(disk.dir, "filler"), Buffer.alloc(900 * 1024));
      // Larger than what is left, so that a part of it is written before the disk says that it is full.
      const large = opened.trail.commit(event("large", 200 * 1024));
      if (mode === "strict") await assert.rejects(large, refused);
      else await large;
      assert.match(opened.told.join(), /^failing: ENOSPC/);
      await until("the half line is cut off", () => linesOf(file).length === 1);
      const small = opened.trail.commit(event("small"));
      if (mode === "strict") await assert.rejects(small, refused);
      else await small;
      opened.trail.record(event("an end"));
      // The disk stays full: what is tried again is refused again, and nothing is written.
      await opened.clock.advance(checkMs * 3);
      assert.equal(linesOf(file).length, 1);
      rmSync(join(disk.dir, "filler"));
      await until("recovery", async () => {
        await opened.clock.advance(checkMs);
        return opened.told.at(-1) === "recovered";
      });
      await opened.trail.commit(event("after"));
      const [, gap, ...rest] = linesOf(file);
      assert.deepEqual([gap?.event, gap?.lost, gap?.refused], ["audit.gap", 0, mode === "strict" ? 2 : 0]);
      const kept = mode === "strict" ? ["an end", "after"] : ["large", "small", "an end", "after"];
      assert.deepEqual(
        rest.map(({ session }) => session),
        kept,
      );
      await assertIntact(file);
    });
  }

  it("a disk that is read-only, or whose directory is gone, is seen without an event, and found again", { skip: noMount }, async () => {
    await using disk = await mountDisk();
    const dir = join(disk.dir, "logs");
    const file = join(dir, "audit.jsonl");
    mkdirSync(dir);
    await using opened = await open(file);
    await opened.trail.commit(event("before"));
    const recovers = () =>
      until("recovery", async () => {
        await opened.clock.advance(checkMs);
        return opened.told.at(-1) === "recovered";
      });
    const fails = (reason: RegExp) =>
      until("failure", async () => {
        await opened.clock.advance(checkMs);
        return reason.test(opened.told.at(-1) ?? "");
      });

    rmSync(dir, { recursive: true });
    await fails(/^failing: the file was removed$/);
    // Now that the file is closed, the disk can be made read-only.
    disk.remount("ro");
    await opened.clock.advance(checkMs);
    await assert.rejects(opened.trail.commit(event("refused")), refused);
    disk.remount("rw");
    mkdirSync(dir);
    await recovers();
    await opened.trail.commit(event("after"));
    const [gap, after] = linesOf(file);
    assert.deepEqual([gap?.seq, gap?.event, gap?.refused, after?.session], [2, "audit.gap", 1, "after"]);
    await assertIntact(file);
  });

  it("a file that somebody else writes to is told of, and the chain goes on from what stands there", async () => {
    await using at = await scratch();
    await using opened = await open(at.file);
    for (const name of ["one", "two"]) await opened.trail.commit(event(name));
    truncateSync(at.file, readFileSync(at.file).indexOf(10) + 1);
    await assert.rejects(opened.trail.commit(event("three")), refused);
    await until("recovery", async () => {
      await opened.clock.advance(checkMs);
      return opened.told.at(-1) === "recovered";
    });
    assert.deepEqual(
      linesOf(at.file).map(({ seq, event: name }) => [seq, name]),
      [
        [1, "recording.failure"],
        [2, "audit.gap"],
      ],
    );
    await assertIntact(at.file);
  });

  it("events that wait are bounded, and those beyond the bound are counted", async () => {
    await using at = await scratch();
    await using opened = await open(at.file, "bestEffort");
    rmSync(at.file);
    await opened.trail.commit(event("noticed"));
    const size = 64 * 1024;
    const count = Math.ceil(waitingBytesMax / size) + 10;
    for (let i = 0; i < count; i++) opened.trail.record(event(`${i}`, size));
    await until("recovery", async () => {
      await opened.clock.advance(checkMs);
      return opened.told.at(-1) === "recovered";
    });
    await opened.trail.commit(event("last"));
    const [gap, ...rest] = linesOf(at.file);
    assert.ok(Number(gap?.lost) >= 10, `${gap?.lost} lost`);
    assert.equal(Number(gap?.lost) + rest.length, count + 2);
    await assertIntact(at.file);
  });

  it("what waits is written at the end, where the file can be made again", async () => {
    await using at = await scratch();
    const { trail } = await open(at.file);
    rmSync(at.file);
    await assert.rejects(trail.commit(event("refused")), refused);
    trail.record(event("last"));
    await trail.close();
    assert.deepEqual(
      linesOf(at.file).map(({ event: name, refused: count, session }) => [name, count ?? session]),
      [
        ["audit.gap", 1],
        ["recording.failure", "last"],
      ],
    );
    await assertIntact(at.file);
  });

  it("bestEffort starts without its file, and finds it", async () => {
    await using at = await scratch();
    const dir = join(at.dir, "later");
    await assert.rejects(open(join(dir, "audit.jsonl"), "strict"), /ENOENT/);
    await using opened = await open(join(dir, "audit.jsonl"), "bestEffort");
    await opened.trail.commit(event("early"));
    mkdirSync(dir);
    await until("recovery", async () => {
      await opened.clock.advance(checkMs);
      return opened.told.at(-1) === "recovered";
    });
    await opened.trail.commit(event("late"));
    assert.deepEqual(
      linesOf(join(dir, "audit.jsonl")).map(({ session }) => session),
      [undefined, "early", "late"],
    );
  });
});

/** A disk that does not answer, which no real one can be made to do at will: appends wait until the test lets them go. */
function stuckSink() {
  const waiters: (() => void)[] = [];
  const lines: string[] = [];
  const sink: AuditSink = {
    end: undefined,
    cutBytes: 0,
    append: (bytes) =>
      new Promise((resolve) => {
        waiters.push(() => {
          lines.push(...bytes.toString().split("\n").slice(0, -1));
          resolve();
        });
      }),
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { sink, lines, isIdle: () => waiters.length === 0, letGo: () => waiters.splice(0).forEach((resolve) => void resolve()) };
}

describe("what nobody waits for", () => {
  it("is written with the next that somebody waits for, at the latest after 50 ms, and at the end", async () => {
    const stuck = stuckSink();
    const clock = new FakeClock();
    const trail = await AuditTrail.start(async () => stuck.sink, { mode: "strict", clock });
    const names = (): unknown[] => stuck.lines.map((line) => JSON.parse(line).session);
    const first = trail.commit(event("first"));
    trail.record(event("told while a write is under way"));
    stuck.letGo();
    await first;
    await clock.advance(49);
    assert.deepEqual([names(), stuck.isIdle()], [["first"], true]);

    const second = trail.commit(event("second"));
    stuck.letGo();
    await second;
    assert.deepEqual(names().slice(1), ["told while a write is under way", "second"]);

    trail.record(event("alone"));
    await clock.advance(50);
    stuck.letGo();
    await settled();
    assert.deepEqual(names().slice(3), ["alone"]);

    trail.record(event("last"));
    const closed = trail.close();
    stuck.letGo();
    await closed;
    assert.deepEqual(names().slice(4), ["last"]);
  });
});

describe("a disk that does not answer", () => {
  it("bestEffort: what no longer has room goes on, and is counted", async () => {
    const stuck = stuckSink();
    const clock = new FakeClock();
    const trail = await AuditTrail.start(async () => stuck.sink, { mode: "bestEffort", clock });
    const under = trail.commit(event("under way"));
    for (let i = 0; i < waitingBytesMax / (64 * 1024); i++) trail.record(event(`${i}`, 64 * 1024));
    await trail.commit(event("no room", 64 * 1024));
    await until("the gap", () => {
      stuck.letGo();
      return stuck.lines.length > 1;
    });
    await under;
    const { event: name, lost } = JSON.parse(stuck.lines[1] ?? "");
    assert.deepEqual([name, lost], ["audit.gap", 2]);
    await closeNow(trail, clock);
  });

  for (const mode of ["strict", "bestEffort"] as const) {
    it(`${mode}: holds nobody up for longer than a write may take, and goes on when it answers`, async () => {
      const stuck = stuckSink();
      const clock = new FakeClock();
      const told: string[] = [];
      const trail = await AuditTrail.start(async () => stuck.sink, {
        mode,
        clock,
        failing: (reason) => told.push(reason),
        recovered: () => told.push("recovered"),
      });
      const started = [trail.commit(event("a")), trail.commit(event("b"))];
      const answered = Promise.allSettled(started);
      await clock.advance(stallMs);
      const isRefused = mode === "strict";
      assert.deepEqual(
        (await answered).map(({ status }) => status === "rejected"),
        [isRefused, isRefused],
      );
      assert.deepEqual(told, ["the disk does not answer"]);
      await until("recovery", async () => {
        stuck.letGo();
        await clock.advance(1);
        return told.at(-1) === "recovered";
      });
      void trail.commit(event("c"));
      await until("the last line", () => {
        stuck.letGo();
        return stuck.lines.at(-1)?.includes('"session":"c"') === true;
      });
      const names = stuck.lines.map((line) => JSON.parse(line)).map(({ event: name, session }) => session ?? name);
      assert.deepEqual(names, mode === "strict" ? ["a", "audit.gap", "c"] : ["a", "audit.gap", "b", "c"]);
      await closeNow(trail, clock);
    });
  }
});
