import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Observer } from "../../src/exec/observer.ts";
import type { Outcome } from "../../src/exec/outcome.ts";
import type { Session } from "../../src/exec/session.ts";
import { settled } from "../fixtures/clock.ts";
import { createSession, startSession } from "../fixtures/session.ts";

/** The outcome so far; undefined while the session goes on. */
async function outcomeOf(session: Session): Promise<Outcome | undefined> {
  await settled();
  return session.outcome;
}

describe("a command that ends by itself", () => {
  test("goes from starting over running and draining to ended", async () => {
    const { session, runtime } = createSession();
    assert.equal(session.state, "starting");
    await session.start();
    assert.equal(session.state, "running");
    runtime.process.exits(7);
    await settled();
    assert.equal(session.state, "draining");
    runtime.process.endOutput();
    const outcome = await session.finished;
    assert.equal(session.state, "ended");
    assert.deepEqual(outcome, {
      outcome: "exited",
      exitCode: 7,
      signal: null,
      endedBy: null,
      drained: true,
      termination: null,
      durationMs: 0,
    });
  });

  test("is over when its output ended before its exit", async () => {
    const { session, process } = await startSession();
    process.say("done");
    process.endOutput();
    await settled();
    assert.equal(session.state, "running");
    process.exits(128 + 15, "SIGTERM");
    const outcome = await session.finished;
    assert.deepEqual([outcome?.exitCode, outcome?.signal, outcome?.drained], [143, "SIGTERM", true]);
    assert.equal(session.log.end, 4);
  });

  test("is cut at the drain deadline while somebody holds its streams, with all that had arrived", async () => {
    const { session, process, clock } = await startSession({ request: { collect: { bytesMax: 100, keep: "head", encoding: "auto" } } });
    process.say("hi");
    process.exits(0);
    await clock.advance(249);
    assert.equal(session.state, "draining");
    process.say(" there");
    await clock.advance(1);
    assert.equal((await outcomeOf(session))?.drained, false);
    assert.equal((await session.collected)?.stdout.kept.toString(), "hi there");
  });

  test("has a duration that leaves the draining out", async () => {
    const { session, process, clock } = await startSession();
    await clock.advance(1234);
    process.exits(0);
    await clock.advance(250);
    assert.equal((await session.finished)?.durationMs, 1234);
  });

  test("whose output cannot be read any more is told as not drained", async () => {
    const { session, process } = await startSession();
    process.output.break();
    process.exits(0);
    assert.deepEqual([(await session.finished)?.outcome, (await session.finished)?.drained], ["exited", false]);
  });

  test("is lost when its exit will never be known", async () => {
    const { session, process } = await startSession();
    process.endOutput();
    process.isLost();
    const outcome = await session.finished;
    assert.deepEqual([outcome?.outcome, outcome?.exitCode, outcome?.endedBy, outcome?.termination], ["lost", null, null, null]);
    assert.equal(process.count("release"), 1);
  });

  test("takes its descendants along, after the output and before the release", async () => {
    const { session, process, clock } = await startSession();
    process.exits(0);
    await clock.advance(250);
    await session.finished;
    assert.deepEqual(process.calls, ["cut", "terminate", "release"]);
  });

  test("leaves its descendants alone where that was asked", async () => {
    const { session, process } = await startSession({ request: { descendants: "leave" } });
    process.ends(0);
    await session.finished;
    assert.deepEqual(process.calls, ["release"]);
  });

  test("is over although its tree cannot be ended", async () => {
    const { session, process } = await startSession({ behaviour: { terminate: "fails" } });
    process.ends(3);
    assert.equal((await session.finished)?.exitCode, 3);
  });

  test("is over four seconds later when the ending of its tree never settles", async () => {
    const { session, process, clock } = await startSession({ behaviour: { terminate: "hangs" } });
    process.ends(3);
    await clock.advance(4000);
    assert.equal((await outcomeOf(session))?.exitCode, 3);
    assert.equal(process.count("release"), 1);
  });
});

describe("a slow writer", () => {
  test("delays the end, and loses no byte at the drain deadline", async () => {
    const { session, process, clock } = await startSession({ limits: { replayBytes: 1000 } });
    const client = session.attach({ principal: "user:test", role: "writer" });
    for (let n = 0; n < 5; n++) process.say(Buffer.alloc(5000, n));
    process.exits(0);
    await clock.advance(1000);
    assert.equal(session.state, "draining");
    let bytes = 0;
    for (let item = await client.cursor.next(); item !== undefined; item = await client.cursor.next()) {
      assert.ok(item.type === "data" && item.bytes.every((byte) => byte === Math.floor(bytes / 5000)));
      bytes += item.bytes.length;
    }
    assert.equal(bytes, 25_000);
    assert.equal((await session.finished)?.drained, false);
  });

  test("holds the source back, and the observer is told for how long, whatever is written meanwhile", async () => {
    const held: number[] = [];
    const { session, process, clock } = await startSession({
      limits: { replayBytes: 1000 },
      observer: { heldBack: (ms) => held.push(ms) },
    });
    const client = session.attach({ principal: "user:test", role: "writer" });
    for (let n = 0; n < 3; n++) process.say(Buffer.alloc(5000));
    await clock.advance(30);
    assert.equal(process.output.pulled, 5000);
    await session.write(Buffer.from("x"));
    await clock.advance(10);
    await client.cursor.next();
    await settled();
    assert.equal(process.output.pulled, 10_000);
    assert.deepEqual(held, [40]);
  });

  for (const [name, end] of [
    ["a timeout", { request: { timeoutMs: 100 } }],
    ["an idle session", { limits: { replayBytes: 1000, idleMs: 100 } }],
  ] as const) {
    test(`that never reads does not outlive ${name}, and can still read all of it`, async () => {
      const { session, process, clock } = await startSession({ limits: { replayBytes: 1000 }, ...end });
      const client = session.attach({ principal: "user:test", role: "writer" });
      for (let n = 0; n < 5; n++) process.say(Buffer.alloc(5000));
      await clock.advance(100);
      assert.notEqual(await outcomeOf(session), undefined);
      assert.deepEqual([session.log.start, session.log.end], [0, 25_000]);
      let bytes = 0;
      for (let item = await client.cursor.next(); item?.type === "data"; item = await client.cursor.next()) bytes += item.bytes.length;
      assert.equal(bytes, 25_000);
    });
  }

  test("that never reads does not outlive a stop while the command's output is drained", async () => {
    const { session, process } = await startSession({ limits: { replayBytes: 1000 } });
    session.attach({ principal: "user:test", role: "writer" });
    for (let n = 0; n < 5; n++) process.say(Buffer.alloc(5000));
    process.ends(4);
    assert.equal(await outcomeOf(session), undefined);
    session.stop("shutdown");
    const outcome = await outcomeOf(session);
    assert.deepEqual([outcome?.outcome, outcome?.exitCode], ["exited", 4]);
    assert.equal(session.log.end, 25_000);
  });
});

describe("a stop", () => {
  test("kills the tree, returns the output so far and says how well that went", async () => {
    const { session, process } = await startSession({ request: { collect: { bytesMax: 100, keep: "head", encoding: "auto" } } });
    process.say("so far");
    session.stop("client");
    const outcome = await session.finished;
    assert.deepEqual(
      [outcome?.outcome, outcome?.endedBy, outcome?.exitCode, outcome?.termination, outcome?.drained],
      ["killed", "client", null, "verified", true],
    );
    assert.equal((await session.collected)?.stdout.kept.toString(), "so far");
    assert.deepEqual(process.calls, ["terminate", "cut", "release"]);
  });

  test("does not wait for the drain deadline when somebody survives who holds the streams", async () => {
    const { session } = await startSession({ behaviour: { terminate: "leaks" } });
    session.stop("operator");
    const outcome = await outcomeOf(session);
    assert.deepEqual([outcome?.drained, outcome?.termination], [false, "bestEffort"]);
  });

  test("has the reason that came first", async () => {
    const { session } = await startSession({ request: { timeoutMs: 100 } });
    session.stop("policy");
    session.stop("client");
    assert.equal((await session.finished)?.endedBy, "policy");
    session.stop("operator");
    assert.equal(session.outcome?.endedBy, "policy");
  });

  test("after the exit changes nothing but that the draining is cut short", async () => {
    const { session, process, clock } = await startSession();
    process.exits(5);
    await settled();
    session.stop("client");
    const outcome = await outcomeOf(session);
    assert.deepEqual([outcome?.outcome, outcome?.exitCode, outcome?.endedBy, outcome?.drained], ["exited", 5, null, false]);
    assert.equal(clock.timers, 0);
  });

  for (const terminate of ["fails", "hangs"] as const) {
    test(`ends the session after four seconds when the kill ${terminate}, as best effort`, async () => {
      const { session, process, clock } = await startSession({ behaviour: { terminate } });
      session.stop("client");
      await clock.advance(3999);
      assert.equal(session.outcome, undefined);
      await clock.advance(1);
      const outcome = await outcomeOf(session);
      assert.deepEqual([outcome?.outcome, outcome?.termination, outcome?.drained], ["killed", "bestEffort", false]);
      assert.equal(process.count("release"), 1);
    });
  }

  test("asks with SIGTERM first where a grace is configured, and kills what is left of the tree", async () => {
    const { session, process, clock } = await startSession({ limits: { killGraceMs: 1000 }, behaviour: { diesOf: ["SIGTERM"] } });
    session.stop("client");
    const outcome = await outcomeOf(session);
    assert.deepEqual([outcome?.outcome, outcome?.termination], ["killed", "verified"]);
    assert.deepEqual(process.calls, ["signal SIGTERM", "terminate", "cut", "release"]);
    assert.equal(clock.timers, 0);
  });

  for (const signal of ["works", "fails", "hangs"] as const) {
    test(`kills when the grace is over and the command is still there, also when the signal ${signal}`, async () => {
      const { session, process, clock } = await startSession({ limits: { killGraceMs: 1000 }, behaviour: { signal } });
      session.stop("client");
      await clock.advance(999);
      assert.deepEqual(process.calls, ["signal SIGTERM"]);
      await clock.advance(1);
      assert.equal((await outcomeOf(session))?.durationMs, 1000);
      assert.equal(process.count("terminate"), 1);
    });
  }

  for (const [title, stop] of [
    ["a right is lost", (session: Session) => session.stop("policy")],
    ["somebody is in a hurry", (session: Session) => session.stop("shutdown", true)],
  ] as const) {
    test(`gives no grace when ${title}, and ends one that was given`, async () => {
      const limits = { killGraceMs: 60_000 };
      const begun = await startSession({ limits });
      begun.session.stop("client");
      await begun.clock.advance(1000);
      stop(begun.session);
      assert.deepEqual([(await outcomeOf(begun.session))?.endedBy, begun.session.outcome?.durationMs], ["client", 1000]);
      assert.deepEqual(begun.process.calls, ["signal SIGTERM", "terminate", "cut", "release"]);
      assert.equal(begun.clock.timers, 0);
      const first = await startSession({ limits });
      stop(first.session);
      await outcomeOf(first.session);
      assert.deepEqual(first.process.calls, ["terminate", "cut", "release"]);
    });
  }

  test("is not waited for when the command is killed in its grace", async () => {
    const { session, process } = await startSession({ limits: { killGraceMs: 60_000 } });
    session.stop("client");
    await settled();
    await session.signal("SIGKILL");
    assert.equal((await outcomeOf(session))?.endedBy, "client");
    assert.deepEqual(process.calls, ["signal SIGTERM", "signal SIGKILL", "terminate", "cut", "release"]);
  });

  test("leaves the grace as it is when it is said once more", async () => {
    const { session, process, clock } = await startSession({ limits: { killGraceMs: 1000 } });
    for (const reason of ["client", "client", "operator", "disconnect", "shutdown"] as const) {
      session.stop(reason);
      await clock.advance(199);
    }
    assert.deepEqual(process.calls, ["signal SIGTERM"]);
    await clock.advance(5);
    assert.equal((await outcomeOf(session))?.durationMs, 1000);
  });
});

describe("a stop before the command runs", () => {
  test("ends a session that was never started, and start refuses then", async () => {
    const { session, runtime } = createSession();
    session.stop("disconnect");
    assert.equal(session.state, "ended");
    assert.equal(await session.finished, undefined);
    await assert.rejects(session.start(), { code: "SESSION_ENDED" });
    assert.equal(runtime.specs.length, 0);
    assert.equal(session.state, "ended");
  });

  test("aborts a start that is under way", async () => {
    const { session, runtime } = createSession({ behaviour: { start: "waits" } });
    const starting = assert.rejects(session.start(), { code: "SESSION_ENDED" });
    await settled();
    session.stop("disconnect");
    await starting;
    assert.equal(await session.finished, undefined);
    assert.equal(runtime.processes.length, 0);
  });

  test("ends the process that a runtime hands over nevertheless", async () => {
    const { session, runtime, clock } = createSession({
      behaviour: { start: "deaf" },
      request: { timeoutMs: 100 },
      limits: { idleMs: 100 },
    });
    const starting = session.start();
    await settled();
    session.stop("disconnect");
    runtime.letStart();
    await starting;
    const outcome = await session.finished;
    assert.deepEqual([outcome?.outcome, outcome?.endedBy], ["killed", "disconnect"]);
    assert.deepEqual(runtime.process.calls, ["terminate", "cut", "release"]);
    assert.equal(clock.timers, 0);
  });
});

describe("a start that is refused", () => {
  test("is thrown with the runtime's code, and ends the session and its output without an outcome", async () => {
    const failed: string[] = [];
    const { session, clock } = createSession({
      behaviour: { start: "refuses" },
      request: { collect: { bytesMax: 10, keep: "head", encoding: "auto" } },
      observer: { failed: (_, code) => failed.push(code) },
    });
    const next = session.attach({ principal: "user:test", role: "writer" }).cursor.next();
    await assert.rejects(session.start(), { code: "COMMAND_NOT_FOUND" });
    assert.equal(await session.finished, undefined);
    assert.equal(await next, undefined);
    assert.equal((await session.collected)?.stdout.bytes, 0);
    assert.deepEqual([failed, session.state, clock.timers], [["COMMAND_NOT_FOUND"], "ended", 0]);
  });
});

describe("the timeout", () => {
  test("ends the tree at its time, counted from the start of the command", async () => {
    const { session, runtime, clock } = createSession({ request: { timeoutMs: 100 }, behaviour: { start: "waits" } });
    const starting = session.start();
    await clock.advance(500);
    runtime.letStart();
    await starting;
    await clock.advance(99);
    assert.equal(session.state, "running");
    await clock.advance(1);
    const outcome = await outcomeOf(session);
    assert.deepEqual([outcome?.outcome, outcome?.endedBy, outcome?.termination, outcome?.durationMs], ["timeout", null, "verified", 100]);
  });

  test("does not come for a command that has exited", async () => {
    const { session, process, clock } = await startSession({ request: { timeoutMs: 100 } });
    await clock.advance(50);
    process.exits(0);
    await clock.advance(250);
    assert.equal((await outcomeOf(session))?.outcome, "exited");
  });
});

describe("an idle session", () => {
  test("is ended when neither input nor output moved for so long", async () => {
    const { session, process, clock } = await startSession({ limits: { idleMs: 100 } });
    await clock.advance(60);
    process.say("x");
    await clock.advance(60);
    await session.write(Buffer.from("y"));
    await clock.advance(99);
    assert.equal(session.state, "running");
    await clock.advance(1);
    assert.equal((await outcomeOf(session))?.endedBy, "idle");
  });

  test("never comes of a clock on the wall that is set", async () => {
    const { session, clock } = await startSession({ limits: { idleMs: 100 }, request: { timeoutMs: 1000 } });
    clock.wallMs += 86_400_000;
    await clock.advance(99);
    assert.equal(session.state, "running");
  });
});

describe("a session without clients", () => {
  test("is ended at once when the last one leaves and it is not kept", async () => {
    const { session } = await startSession();
    const one = session.attach({ principal: "user:test", role: "writer" });
    const two = session.attach({ principal: "user:test", role: "writer" });
    one.leave();
    assert.equal(await outcomeOf(session), undefined);
    two.leave("slow");
    assert.equal((await outcomeOf(session))?.endedBy, "slow");
  });

  test("goes on for as long as it is kept, and a client that comes back stops the count", async () => {
    const { session, clock } = await startSession({ request: { keepMs: 1000 } });
    session.attach({ principal: "user:test", role: "writer" }).leave();
    await clock.advance(999);
    const back = session.attach({ principal: "user:test", role: "writer" });
    await clock.advance(5000);
    assert.equal(session.state, "running");
    back.leave();
    await clock.advance(999);
    assert.equal(session.state, "running");
    await clock.advance(1);
    assert.equal((await outcomeOf(session))?.endedBy, "disconnect");
  });

  test("may be left and joined a thousand times, and each time leaves nothing behind", async () => {
    const { session, process, clock } = await startSession({ request: { keepMs: 1000 } });
    const added = countListeners();
    for (let n = 0; n < 1000; n++) session.attach({ principal: "user:test", role: "writer" }).leave();
    session.attach({ principal: "user:test", role: "writer" });
    assert.ok(added.count() < 5, `${added.count()} listeners are left`);
    added.restore();
    assert.equal(clock.timers, 0);
    process.ends(0);
    await session.finished;
  });

  test("is not ended by time before the first one has come", async () => {
    const { session, clock } = await startSession();
    await clock.advance(1_000_000);
    assert.equal(session.state, "running");
  });
});

/** Counts the listeners that are added to abort signals and not taken away. */
function countListeners(): { count(): number; restore(): void } {
  let left = 0;
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (...args) {
    left++;
    addEventListener.apply(this, args);
  };
  EventTarget.prototype.removeEventListener = function (...args) {
    left--;
    removeEventListener.apply(this, args);
  };
  return { count: () => left, restore: () => Object.assign(EventTarget.prototype, { addEventListener, removeEventListener }) };
}

describe("input", () => {
  test("reaches the command in order, and resolves when it is accepted", async () => {
    const { session, process } = await startSession({ behaviour: { holdsWrites: true } });
    let isAccepted = false;
    const writing = session.write(Buffer.from("a")).then(() => {
      isAccepted = true;
    });
    await settled();
    assert.equal(isAccepted, false);
    process.takeWrites();
    await writing;
    await session.endInput();
    await session.signal("SIGINT");
    assert.deepEqual([process.written.join(), ...process.calls], ["a", "endInput", "signal SIGINT"]);
  });

  test("that comes while the command is started waits for it, in order", async () => {
    const { session, runtime } = createSession({ behaviour: { start: "waits" } });
    const started = session.start();
    const told = [session.write(Buffer.from("a")), session.write(Buffer.from("b")), session.endInput(), session.signal("SIGINT")];
    await settled();
    runtime.letStart();
    await Promise.all([started, ...told]);
    assert.deepEqual([runtime.process.written.join(""), ...runtime.process.calls], ["ab", "endInput", "signal SIGINT"]);
  });

  test("that is a storm of signals goes one by one to a runtime that takes its time", async () => {
    const { session, process } = await startSession({ behaviour: { signal: "hangs" } });
    for (let count = 0; count < 1000; count++) void session.signal("SIGUSR1");
    await settled();
    assert.deepEqual(process.calls, ["signal SIGUSR1"]);
  });

  test("that waits for a command which is never started comes to nothing", async () => {
    const { session, runtime } = createSession({ behaviour: { start: "waits" } });
    const started = session.start();
    const told = [session.write(Buffer.from("a")), session.endInput()];
    await settled();
    session.stop("client");
    await assert.rejects(started, { code: "SESSION_ENDED" });
    await Promise.all(told);
    assert.deepEqual(runtime.processes, []);
  });

  test("that is pending does not hold the end, and comes to nothing after it", async () => {
    const { session, process } = await startSession({ behaviour: { holdsWrites: true } });
    const writing = session.write(Buffer.from("a"));
    process.ends(0);
    await session.finished;
    await writing;
    await session.write(Buffer.from("b"));
    await session.endInput();
    await session.signal("SIGINT");
    assert.deepEqual(process.written.join(), "a");
  });

  test("of a new size is set once, and stands in the output with who changed it", async () => {
    const { session, process } = await startSession({ spec: { tty: { cols: 80, rows: 24 } } });
    const { cursor } = session.attach({ principal: "user:test", role: "viewer" });
    await session.resize({ cols: 100, rows: 30 }, "1");
    await session.resize({ cols: 100, rows: 30 }, "2");
    assert.deepEqual(cursor.take(), { type: "resized", size: { cols: 100, rows: 30 }, by: "1" });
    assert.deepEqual([cursor.take(), process.calls, session.size], [undefined, ["resize 100x30"], { cols: 100, rows: 30 }]);
  });

  test("of a new size that comes while the command is started is set when it runs", async () => {
    const { session, runtime } = createSession({ spec: { tty: { cols: 80, rows: 24 } }, behaviour: { start: "waits" } });
    const started = session.start();
    await session.resize({ cols: 100, rows: 30 });
    await settled();
    runtime.letStart();
    await started;
    assert.deepEqual(runtime.process.calls, ["resize 100x30"]);
  });

  test("of a size that could not be set is no size, and may be set again", async (t) => {
    const { session, process } = await startSession({ spec: { tty: { cols: 80, rows: 24 } } });
    const failing = t.mock.method(process, "resize", () => Promise.reject(new Error("the daemon is away")));
    await assert.rejects(session.resize({ cols: 100, rows: 30 }), /away/);
    assert.deepEqual(session.size, { cols: 80, rows: 24 });
    failing.mock.restore();
    await session.resize({ cols: 100, rows: 30 });
    assert.deepEqual([session.size, process.calls], [{ cols: 100, rows: 30 }, ["resize 100x30"]]);
  });

  test("of a size is nothing without a terminal", async () => {
    const { session, process } = await startSession();
    await session.resize({ cols: 100, rows: 30 });
    assert.deepEqual([session.size, process.calls], [undefined, []]);
  });
});

describe("the observer", () => {
  test("is told of start, output and end, each once", async () => {
    const told: string[] = [];
    const observer: Observer = {
      started: (_, startMs) => told.push(`started ${startMs}`),
      output: (stream, bytes) => told.push(`${stream} ${bytes}`),
      ended: (session, outcome) => told.push(`${session.state} ${outcome.exitCode}`),
    };
    const { session, process } = await startSession({ observer });
    process.say("abc", "stderr");
    process.ends(2);
    await session.finished;
    session.stop("client");
    assert.deepEqual(told, ["started 0", "stderr 3", "ended 2"]);
  });
});
