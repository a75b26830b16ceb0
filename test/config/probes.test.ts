import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { probesSchema, readProbes } from "../../src/config/probes.ts";
import { validate } from "../../src/config/validate.ts";

const read = (yaml: string) => readProbes(validate(probesSchema, parse(yaml)));

test("a probe has its defaults", () => {
  const [probe] = read("db: { target: host, command: [pg_isready] }");
  const { selection, ...rest } = probe ?? assert.fail();
  assert.deepEqual(JSON.parse(JSON.stringify(selection)), { kind: "targets", globs: [{ text: "host" }] });
  assert.deepEqual(rest, {
    name: "db",
    command: ["pg_isready"],
    timeoutMs: 5000,
    cacheMs: 1000,
    intervalMs: 0,
    failureThreshold: 1,
    expect: { exitCode: 0, stdoutMatches: undefined },
    isPublic: false,
  });
});

test("an answer is as old as the interval, unless the cache says less", () => {
  const cacheOf = (more: string) => read(`p: { target: host, command: [a], ${more} }`)[0]?.cacheMs;
  assert.deepEqual(
    [cacheOf("intervalMs: 30000"), cacheOf("intervalMs: 30000, cacheMs: 5"), cacheOf("cacheMs: 0"), cacheOf("intervalMs: 0")],
    [30_000, 5, 0, 1000],
  );
});

test("targets, labels and what is expected are taken", () => {
  const [globs, labels] = read(`
    a: { targets: ["docker:db-*", host], command: [a], expect: { exitCode: 2, stdoutMatches: "^ok" } }
    b: { labels: { app: db, tier: hot }, command: [b, "-q", ""], public: true }`);
  assert.ok(globs?.selection.kind === "targets" && globs.selection.globs[0]?.matches("docker:db-1"));
  assert.deepEqual([globs.expect.exitCode, globs.expect.stdoutMatches?.isIn("ok then")], [2, true]);
  assert.deepEqual(labels?.selection, { kind: "labels", labels: { app: "db", tier: "hot" } });
  assert.deepEqual([labels?.command, labels?.isPublic], [["b", "-q", ""], true]);
});

const refused: readonly (readonly [yaml: string, message: string | RegExp])[] = [
  ["p: { command: [a] }", "probes.p: expected one of target, targets and labels"],
  ["p: { target: host, labels: { a: b }, command: [a] }", "probes.p: expected one of target, targets and labels"],
  ["p: { target: 'docker:*', command: [a] }", /^probes\.p\.target: expected a target id; write globs as targets/],
  ["p: { targets: ['docker:[ab]'], command: [a] }", /^probes\.p\.targets\.0: the glob holds "\["/],
  ["p: { target: host, command: [''] }", /^probes\.p\.command\.0: expected a command/],
  ["'a/b': { target: host, command: [a] }", /^probes\.a\/b: expected a name of letters/],
  ["p: { target: host, command: [a], expect: { stdoutMatches: '(a' } }", /^probes\.p\.expect\.stdoutMatches: error parsing regexp/],
  ["p: { target: host, command: [a], expect: { stdoutMatches: '(?=a)' } }", /^probes\.p\.expect\.stdoutMatches: error parsing regexp/],
  ["p: { target: host }", "probes.p.command: missing"],
  ["p: { target: host, command: a }", 'probes.p.command: expected an argv, got "a"'],
  ["p: { target: host, command: [a], timeoutMs: 0 }", "probes.p.timeoutMs: expected a whole number from 1, got 0"],
  ["p: { target: host, command: [a], expect: { exitCode: 256 } }", "probes.p.expect.exitCode: expected a whole number up to 255, got 256"],
  ["p: { target: host, command: [a], argv: [b] }", "probes.p.argv: unknown key"],
];

for (const [yaml, message] of refused) {
  test(`refused: ${yaml}`, () => {
    assert.throws(() => read(yaml), { name: "ConfigError", message });
  });
}
