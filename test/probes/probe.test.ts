import assert from "node:assert/strict";
import { test } from "node:test";
import { noAudit } from "../../src/access/audit/audit.ts";
import { compileGlob } from "../../src/access/policy/glob.ts";
import { loadConfig } from "../../src/config.ts";
import { Sessions, type SessionsLimits } from "../../src/exec/sessions.ts";
import type { ProbeDefinition } from "../../src/probes/definition.ts";
import { compilePattern } from "../../src/probes/pattern.ts";
import type { Probe } from "../../src/probes/probe.ts";
import { Probes } from "../../src/probes/probes.ts";
import { FakeClock, settled } from "../fixtures/clock.ts";
import type { Behaviour } from "../fixtures/scripted-runtime.ts";
import { TargetsRuntime } from "./targets-runtime.ts";

interface Wishes extends Partial<Omit<ProbeDefinition, "selection">> {
  readonly globs?: readonly string[];
}

const defined = ({ globs = ["box:a"], ...rest }: Wishes = {}): ProbeDefinition => ({
  name: "p",
  selection: { kind: "targets", globs: globs.map(compileGlob) },
  command: ["check"],
  timeoutMs: 2000,
  cacheMs: 0,
  intervalMs: 0,
  failureThreshold: 1,
  expect: { exitCode: 0, stdoutMatches: undefined },
  isPublic: false,
  ...rest,
});

const passes: Behaviour = { steps: [{ waitMs: 100 }, { exit: { code: 0, signal: null } }, "endOutput"] };
const fails: Behaviour = { steps: [{ waitMs: 100 }, { exit: { code: 1, signal: null } }, "endOutput"] };
const hangs: Behaviour = {};

/** A gateway's side of probes, on a clock that stands still. */
function running(definitions: readonly ProbeDefinition[], behaviour: Behaviour = passes, limits: Partial<SessionsLimits> = {}) {
  const clock = new FakeClock();
  const box = new TargetsRuntime("box", { a: {}, b: {}, c: {} }, clock, behaviour);
  const runtimes = new Map([[box.name, box]]);
  const allLimits = { ...loadConfig({ argv: [], env: {} }).limits, ...limits };
  const sessions = new Sessions({ runtimes, clock, observer: {}, limits: allLimits });
  const told: string[] = [];
  const observer = {
    checked: (probe: string, isPassing: boolean, durationMs: number) => void told.push(`${probe} ${isPassing} ${durationMs}`),
    removed: (probe: string) => void told.push(`${probe} removed`),
  };
  const probes = new Probes(definitions, { runtimes, sessions, audit: noAudit, clock, observer });
  const get = (name = "p"): Probe => {
    const probe = probes.get(name);
    assert.ok(probe);
    return probe;
  };
  /** Asks the probe `p` and lets time go on until it has answered. */
  const ask = async (wanted?: string) => {
    const candidates = (await get().candidates()).filter(({ id }) => wanted === undefined || id === wanted);
    const asked = get().ask(candidates);
    let isAnswered = false;
    void asked.then(() => {
      isAnswered = true;
    });
    for (await settled(); !isAnswered; await settled()) await clock.advance(10);
    return await asked;
  };
  return { clock, box, sessions, probes, get, ask, told };
}

test("a command that exits as expected passes, and leaves no session behind", async () => {
  const { ask, sessions, clock, box, told } = running([defined()]);
  const [check] = await ask();
  assert.deepEqual(
    [check?.target, check?.status, check?.exitCode, check?.fault, check?.failures, check?.durationMs],
    ["box:a", "pass", 0, undefined, 0, 100],
  );
  assert.equal(check?.checkedAt, clock.wallMs);
  assert.deepEqual([...sessions.list()], []);
  assert.equal(clock.timers, 0);
  assert.deepEqual(box.specs[0], { command: ["check"], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false });
  assert.deepEqual(told, ["p true 100"]);
});

test("what is run is asked for by a principal of the probe's own, whose limits it is held to", async () => {
  const { ask, get } = running([defined()], passes, { execsPerMinutePerPrincipal: 1 });
  const [candidate] = await get().candidates();
  assert.ok(candidate);
  assert.equal(get().requestOn(candidate).principal, "probe:p");
  await ask();
  assert.equal((await ask())[0]?.fault, "TOO_MANY_REQUESTS: There are too many requests");
});

test("a command that exited in its time did not take longer, although somebody holds its streams beyond it", async () => {
  const { ask, clock } = running([defined()], { steps: [{ waitMs: 1900 }, { exit: { code: 0, signal: null } }] });
  const [check] = await ask();
  assert.deepEqual([check?.status, check?.fault, check?.exitCode, check?.durationMs], ["pass", undefined, 0, 2000]);
  assert.equal(clock.timers, 0);
});

const faults: readonly (readonly [why: string, behaviour: Behaviour, wishes: Wishes, fault: string, exitCode: number | null])[] = [
  ["another exit code", fails, {}, "exited with 1, not 0", 1],
  ["a 0 that is not wanted", passes, { expect: { exitCode: 3, stdoutMatches: undefined } }, "exited with 0, not 3", 0],
  ["a missing command", { start: "refuses" }, {}, "COMMAND_NOT_FOUND: The command is not there", null],
  ["a target that is gone", passes, { globs: ["box:z"] }, "TARGET_NOT_FOUND: There is no such target", null],
  ["a runtime that is not there", passes, { globs: ["none:z"] }, "TARGET_NOT_FOUND: There is no such target", null],
  ["a glob that matches nothing", passes, { globs: ["box:z*"] }, "no target matches", null],
  ["a command that takes too long", hangs, {}, "took longer than 2000 ms", null],
  ["a start that takes too long", { start: "waits" }, {}, "took longer than 2000 ms", null],
  ["a lost runtime", { steps: ["lose", "endOutput"] }, {}, "the command was lost", null],
  [
    "output without what is expected",
    passes,
    { expect: { exitCode: 0, stdoutMatches: compilePattern("ok") } },
    "stdout is not as expected",
    0,
  ],
];

for (const [why, behaviour, wishes, fault, exitCode] of faults) {
  test(`${why} fails, with the reason`, async () => {
    const { ask, sessions, clock, told } = running([defined(wishes)], behaviour);
    const [check] = await ask();
    assert.deepEqual([check?.status, check?.fault, check?.exitCode], ["fail", fault, exitCode]);
    assert.deepEqual([sessions.liveCount, [...sessions.list()].length, clock.timers], [0, 0, 0]);
    assert.match(told[0] ?? "", /^p false /);
  });
}

test("a target that cannot be looked up in time fails too", async () => {
  const { ask, box } = running([defined()]);
  box.resolve = () => new Promise(() => undefined);
  assert.equal((await ask())[0]?.fault, "took longer than 2000 ms");
});

test("a command that takes too long is ended before anybody is told", async () => {
  const { ask, box } = running([defined()], hangs);
  await ask();
  assert.equal(box.process.count("terminate"), 1);
  assert.equal(box.process.count("release"), 1);
});

test("output is matched in the first 64 KiB, and kept to 1 KiB, stdout first", async () => {
  const say = (text: string, stream: "stdout" | "stderr" = "stdout") => ({ say: stream, bytes: Buffer.from(text) });
  const end = [{ exit: { code: 0, signal: null } }, "endOutput"] as const;
  const expect = { exitCode: 0, stdoutMatches: compilePattern("needle") };
  const near = running([defined({ expect })], { steps: [say("x".repeat(60_000)), say("needle"), ...end] });
  const [check] = await near.ask();
  assert.deepEqual([check?.status, check?.output.toString()], ["pass", "x".repeat(1024)]);
  assert.equal(check?.output.buffer.byteLength, 1024, "a slice would hold all of what was collected");
  const far = running([defined({ expect })], { steps: [say("x".repeat(65_536)), say("needle"), ...end] });
  assert.equal((await far.ask())[0]?.status, "fail");
  const both = running([defined()], { steps: [say("err", "stderr"), say("out"), ...end] });
  assert.equal((await both.ask())[0]?.output.toString(), "outerr");
});

test("a storm on a slow probe starts one command at a time", async () => {
  const { clock, box, get } = running([defined()]);
  let answered = 0;
  for (let wave = 0; wave < 100; wave++) {
    for (let i = 0; i < 100; i++)
      void get()
        .candidates()
        .then((all) =>
          get()
            .ask(all)
            .then(() => answered++),
        );
    await clock.advance(37);
    assert.ok(box.processes.filter((process) => process.count("release") === 0).length <= 1);
  }
  await clock.runOut();
  assert.equal(answered, 10_000);
  assert.ok(box.processes.length <= 38, `${box.processes.length} commands in 3.7 s of 100 ms each`);
});

test("several targets are checked side by side, and one of them is asked for alone", async () => {
  const { ask, box, told } = running([defined({ globs: ["box:*"], cacheMs: 1000 })]);
  assert.deepEqual(
    (await ask("box:b")).map(({ target }) => target),
    ["box:b"],
  );
  assert.deepEqual(told, [], "nobody knows yet how the others are");
  const all = await ask();
  assert.deepEqual(
    all.map(({ target, status }) => `${target} ${status}`),
    ["box:a pass", "box:b pass", "box:c pass"],
  );
  assert.equal(box.processes.length, 3);
  assert.equal(told.at(-1), "p true 100");
});

test("no more than eight targets are checked at a time", async () => {
  const { ask, box, clock } = running([defined({ globs: ["box:*"] })]);
  for (let i = 0; i < 30; i++) box.present.set(`t${i}`, {});
  const asked = ask();
  let most = 0;
  for (let i = 0; i < 50; i++) {
    await clock.advance(10);
    most = Math.max(most, box.processes.filter((process) => process.count("release") === 0).length);
  }
  assert.equal((await asked).length, 33);
  assert.equal(most, 8);
});

test("one target that fails is the probe's failure, and what is gone is forgotten", async () => {
  const { ask, box, told } = running([defined({ globs: ["box:*"] })]);
  await ask();
  box.behaviour = fails;
  await ask("box:c");
  assert.equal(told.at(-1), "p false 100");
  box.present.delete("c");
  box.behaviour = passes;
  assert.equal((await ask()).length, 2);
  assert.equal(told.at(-1), "p true 100");
});

test("why nothing stands behind a glob is told as it is now", async () => {
  const { ask, box } = running([defined({ globs: ["box:z*"] })]);
  assert.equal((await ask())[0]?.fault, "no target matches");
  box.isUp = false;
  assert.equal((await ask())[0]?.fault, "box cannot be asked for its targets");
  box.isUp = true;
  box.present.set("z1", {});
  assert.deepEqual(
    (await ask()).map(({ target, status }) => `${target} ${status}`),
    ["box:z1 pass"],
  );
});

test("what passed goes on to pass until the threshold, and a pass begins anew", async () => {
  const { ask, box } = running([defined({ failureThreshold: 3 })]);
  const seen: string[] = [];
  for (const behaviour of [fails, passes, fails, fails, passes, fails, fails, fails, fails, passes]) {
    box.behaviour = behaviour;
    const [check] = await ask();
    seen.push(`${check?.status} ${check?.failures}`);
  }
  assert.deepEqual(seen, ["fail 1", "pass 0", "pass 1", "pass 2", "pass 0", "pass 1", "pass 2", "fail 3", "fail 4", "pass 0"]);
});

test("an interval runs it by itself, from start to start, and answers whoever asks", async () => {
  const { clock, box, probes, ask } = running([defined({ intervalMs: 1000, cacheMs: 1000 })]);
  await clock.advance(5000);
  assert.equal(box.processes.length, 0, "nothing runs before the start");
  probes.start();
  await clock.advance(3550);
  assert.equal(box.processes.length, 4);
  await ask();
  assert.equal(box.processes.length, 4);
  probes.stop();
  await clock.advance(10_000);
  assert.equal(box.processes.length, 4);
  assert.equal(clock.timers, 0);
});

test("a run that takes longer than the interval is followed by the next at once, and never met by it", async () => {
  const { clock, box, probes } = running([defined({ intervalMs: 30 })]);
  probes.start();
  await clock.advance(1050);
  assert.equal(box.processes.length, 11);
  assert.equal(box.processes.filter((process) => process.count("release") === 0).length, 1);
});

test("other definitions end what is not declared any more, and let go on what is", async () => {
  const [kept, changed, removed] = [defined({ name: "kept" }), defined({ name: "changed" }), defined({ name: "removed" })];
  const { clock, probes, get, told, box, sessions } = running([kept, changed, removed], hangs);
  const asked = ["kept", "changed", "removed"].map(async (name) => await get(name).ask(await get(name).candidates()));
  await settled();
  assert.equal(sessions.liveCount, 3);
  probes.replace([defined({ name: "kept" }), defined({ name: "changed", timeoutMs: 1 }), defined({ name: "new" })]);
  assert.deepEqual(told, ["changed removed", "removed removed"]);
  for (const [check] of await Promise.all(asked.slice(1))) assert.equal(check?.fault, "the command was killed");
  assert.equal(sessions.liveCount, 1);
  assert.deepEqual(
    [...probes.list()].map(({ definition }) => definition.name),
    ["kept", "changed", "new"],
  );
  box.process.ends();
  await clock.runOut();
  assert.deepEqual(told, ["changed removed", "removed removed", "kept false 2000"]);
});

test("a gateway that shuts down lets come to its end what runs", async () => {
  const { clock, probes, get, sessions } = running([defined({ intervalMs: 1000 })]);
  probes.start();
  await settled();
  probes.stop();
  const drained = sessions.drain();
  await clock.advance(100);
  await drained;
  assert.equal(get().latest(await get().candidates())[0]?.status, "pass");
  const asked = get().ask(await get().candidates());
  assert.equal((await asked)[0]?.fault, "DRAINING: The gateway is shutting down");
  assert.equal(clock.timers, 0);
});
