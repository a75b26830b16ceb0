import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stdinWindow } from "../../src/exec/input.ts";
import { type Permit, unconditional } from "../../src/exec/permit.ts";
import type { ExecRequest } from "../../src/exec/request.ts";
import { Sessions, type SessionsLimits } from "../../src/exec/sessions.ts";
import { FakeClock, settled } from "../fixtures/clock.ts";
import { ScriptedRuntime } from "../fixtures/scripted-runtime.ts";
import { limits, requestTo } from "../fixtures/session.ts";

function createSessions(wanted: Partial<SessionsLimits> = {}) {
  const clock = new FakeClock();
  const runtime = new ScriptedRuntime(clock);
  const all: SessionsLimits = {
    ...limits,
    sessionsMax: 5,
    sessionsPerPrincipalMax: 5,
    execsPerMinutePerPrincipal: 0,
    collectBytesTotal: 10_000,
    endedSessionsMax: 5,
    endedBytesMax: 100_000,
    ...wanted,
  };
  const sessions = new Sessions({ runtimes: new Map([["scripted", runtime]]), clock, observer: {}, limits: all });
  const admit = (request: Partial<ExecRequest> = {}, permit: Partial<Permit> = {}) =>
    sessions.admit(requestTo(runtime, request), { ...unconditional, ...permit });
  /** A session that has run, and written so many bytes. */
  const run = async (request: Partial<ExecRequest> = {}, bytes = 0) => {
    const session = admit(request);
    await session.start();
    runtime.process.say(Buffer.alloc(bytes));
    runtime.process.ends(0);
    await session.finished;
    await settled();
    return session;
  };
  return { clock, runtime, sessions, admit, run };
}

const collect = (bytesMax: number) => ({ collect: { bytesMax, keep: "head", encoding: "auto" } }) as const;

describe("admission", () => {
  test("refuses more sessions than there may be, and takes one in again when one is over", async () => {
    const { sessions, admit } = createSessions({ sessionsMax: 2 });
    admit();
    const second = admit();
    assert.throws(() => admit(), { code: "TOO_MANY_SESSIONS", details: { retryAfterS: 1 } });
    second.stop("client");
    await settled();
    assert.equal(sessions.liveCount, 1);
    admit();
  });

  test("refuses one principal more than its share, and not the others", async () => {
    const { admit } = createSessions({ sessionsPerPrincipalMax: 1 });
    const mine = admit({ principal: "user:one" });
    assert.throws(() => admit({ principal: "user:one" }), { code: "TOO_MANY_SESSIONS" });
    admit({ principal: "user:two" });
    mine.stop("client");
    await settled();
    admit({ principal: "user:one" });
  });

  test("holds a principal to what its permit says, where that is less", async () => {
    const { admit } = createSessions({ sessionsPerPrincipalMax: 3 });
    admit();
    assert.throws(() => admit({}, { sessionsPerPrincipalMax: 1 }), { code: "TOO_MANY_SESSIONS" });
    admit({}, { sessionsPerPrincipalMax: 2 });
    admit({}, { sessionsPerPrincipalMax: 100 });
    assert.throws(() => admit({}, { sessionsPerPrincipalMax: 100 }), { code: "TOO_MANY_SESSIONS" });
  });

  test("refuses a principal more starts a minute than it may have, and says when there is room", async () => {
    const { clock, admit } = createSessions({ sessionsMax: 100, sessionsPerPrincipalMax: 100, execsPerMinutePerPrincipal: 4 });
    for (let i = 0; i < 4; i++) admit({ principal: "user:one" });
    assert.throws(() => admit({ principal: "user:one" }), { code: "TOO_MANY_REQUESTS", details: { retryAfterS: 15 } });
    admit({ principal: "user:two" }, { execsPerMinutePerPrincipal: 1 });
    assert.throws(() => admit({ principal: "user:two" }, { execsPerMinutePerPrincipal: 1 }), { details: { retryAfterS: 60 } });
    admit({ principal: "user:two" });
    await clock.advance(15_000);
    admit({ principal: "user:one" });
  });

  test("does not count against the starts a minute what is refused for another reason", async () => {
    const { admit } = createSessions({ sessionsPerPrincipalMax: 1, execsPerMinutePerPrincipal: 2 });
    const first = admit();
    for (let i = 0; i < 5; i++) assert.throws(() => admit(), { code: "TOO_MANY_SESSIONS" });
    first.stop("client");
    await settled();
    admit().stop("client");
    await settled();
    assert.throws(() => admit(), { code: "TOO_MANY_REQUESTS" });
  });

  test("reserves memory for both streams until the end, and for one on a terminal", async () => {
    const { runtime, admit, run } = createSessions({ collectBytesTotal: 10_000 });
    await run(collect(5000));
    const first = admit(collect(4000));
    assert.throws(() => admit(collect(1001)), { code: "OVERLOADED", details: { retryAfterS: 1 } });
    const tty = { ...requestTo(runtime).spec, tty: { cols: 80, rows: 24 } };
    admit({ ...collect(2000), spec: tty });
    admit();
    assert.throws(() => admit(collect(1)), { code: "OVERLOADED" });
    first.stop("client");
    await settled();
    admit(collect(4000));
  });

  test("reserves memory for stdin that came along, beyond a client's credit", async () => {
    const { admit } = createSessions({ collectBytesTotal: 10_000 });
    const first = admit({ stdinBytes: stdinWindow + 9000 });
    admit({ stdinBytes: stdinWindow });
    assert.throws(() => admit({ stdinBytes: stdinWindow + 1001 }), { code: "OVERLOADED" });
    first.stop("client");
    await settled();
    admit({ stdinBytes: stdinWindow + 1001 });
  });

  test("frees what was reserved when the start is refused", async () => {
    const { runtime, sessions, admit } = createSessions({ collectBytesTotal: 2000 });
    runtime.behaviour = { start: "refuses" };
    for (let n = 0; n < 3; n++) await assert.rejects(admit(collect(1000)).start(), { code: "COMMAND_NOT_FOUND" });
    await settled();
    assert.equal(sessions.liveCount, 0);
  });

  test("refuses a runtime that is not there", () => {
    const { runtime, admit } = createSessions();
    assert.throws(() => admit({ target: { ...runtime.target, runtime: "other" } }), { code: "RUNTIME_UNAVAILABLE" });
  });
});

describe("an ended session", () => {
  test("is found and listed before the live ones, for ten minutes", async () => {
    const { clock, sessions, admit, run } = createSessions();
    const ended = await run();
    const live = admit();
    assert.equal(sessions.get(ended.id), ended);
    assert.deepEqual([...sessions.list()], [ended, live]);
    await clock.advance(10 * 60 * 1000 - 1);
    assert.equal(sessions.get(ended.id), ended);
    await clock.advance(1);
    assert.equal(sessions.get(ended.id), undefined);
    assert.equal(clock.timers, 0);
  });

  test("is not kept when its command was never started", async () => {
    const { sessions, admit, clock } = createSessions();
    const session = admit();
    session.stop("client");
    await settled();
    assert.equal(sessions.get(session.id), undefined);
    assert.equal(clock.timers, 0);
  });

  test("makes way for later ones, the oldest first, when there are too many", async () => {
    const { clock, sessions, run } = createSessions({ endedSessionsMax: 2 });
    const [first, second, third] = [await run(), await run(), await run()];
    assert.deepEqual([...sessions.list()], [second, third]);
    assert.equal(sessions.get(first.id), undefined);
    assert.equal(clock.timers, 1);
  });

  test("makes way when they hold too many bytes, unless the output was let go of", async () => {
    const { sessions, run } = createSessions({ endedBytesMax: 20_000 });
    const first = await run({}, 9000);
    const second = await run({}, 9000);
    sessions.forgetOutput(second);
    sessions.forgetOutput(second);
    const third = await run({}, 9000);
    assert.deepEqual([...sessions.list()], [first, second, third]);
    const fourth = await run({}, 9000);
    assert.deepEqual([...sessions.list()], [second, third, fourth]);
    assert.equal(second.log.cost, 0);
  });

  test("counts the words of its request, which stay", async () => {
    const { sessions, run } = createSessions({ endedBytesMax: 20_000 });
    const spec = { command: ["true", "x".repeat(4000)], env: { A: "y".repeat(4000) }, cwd: undefined, user: undefined, tty: undefined };
    const [first, second] = [await run({ spec: { ...spec, stdin: false } }), await run({ spec: { ...spec, stdin: false } }, 9000)];
    assert.deepEqual([...sessions.list()], [second]);
    sessions.forgetOutput(second);
    const third = await run({ spec: { ...spec, stdin: false } });
    assert.deepEqual([...sessions.list()], [second, third]);
    assert.equal(sessions.get(first.id), undefined);
  });

  test("counts what was collected of it", async () => {
    const { sessions, run } = createSessions({ endedBytesMax: 20_000 });
    const large = await run(collect(5000), 15_000);
    assert.equal(sessions.get(large.id), undefined);
    const small = await run(collect(1000), 15_000);
    assert.equal(sessions.get(small.id), small);
  });
});

describe("draining", () => {
  test("admits nothing more and resolves when the last session is over, for everybody who waits", async () => {
    const { clock, sessions, admit, runtime } = createSessions();
    const session = admit();
    await session.start();
    let drained = 0;
    for (let n = 0; n < 2; n++) void sessions.drain().then(() => drained++);
    assert.equal(sessions.isDraining, true);
    assert.throws(() => admit(), { code: "DRAINING" });
    await settled();
    assert.equal(drained, 0);
    runtime.process.ends(0);
    await settled();
    assert.equal(drained, 2);
    sessions.close();
    assert.equal(clock.timers, 0);
  });

  test("keeps what ends meanwhile for whoever asks how it ended", async () => {
    const { sessions, admit, runtime } = createSessions();
    const [one, other] = [admit(), admit()];
    await other.start();
    await one.start();
    void sessions.drain();
    runtime.process.ends(3);
    await settled();
    assert.equal(sessions.get(one.id)?.outcome?.exitCode, 3);
  });

  test("is done at once when nothing runs", async () => {
    const { sessions } = createSessions();
    await sessions.drain();
    assert.equal(sessions.isDraining, true);
  });

  test("comes to its end by stopAll, whatever state the sessions are in", async () => {
    const { clock, sessions, admit, runtime } = createSessions();
    const waiting = admit();
    const running = admit();
    await running.start();
    const draining = admit();
    await draining.start();
    runtime.process.exits(0);
    await settled();
    const drained = sessions.drain();
    sessions.stopAll();
    await drained;
    assert.deepEqual(
      [waiting, running, draining].map((session) => session.outcome?.endedBy),
      [undefined, "shutdown", null],
    );
    sessions.close();
    assert.equal(clock.timers, 0);
  });

  test("leaves no timer when the ended ones are closed", async () => {
    const { clock, sessions, run } = createSessions();
    await run();
    sessions.close();
    assert.deepEqual([[...sessions.list()], clock.timers], [[], 0]);
  });
});
