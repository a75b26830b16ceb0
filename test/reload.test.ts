import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, test } from "node:test";
import { pino } from "pino";
import type { AuditEvent } from "../src/access/audit/events.ts";
import { type Config, loadConfig, reloadConfig } from "../src/config.ts";
import { createReload } from "../src/reload.ts";

const dir = mkdtempSync(join(tmpdir(), "execgate-reload-"));
after(() => rmSync(dir, { recursive: true }));

const policy = (target: string) =>
  `policy: { roles: { r: { allow: [{ verbs: [exec], targets: [${target}], commands: any }] } }, bindings: [{ subjects: ["user:a"], roles: [r] }] }`;

/** A gateway's side of a reload: what was applied, logged and audited. */
function reloading(yaml: string, load = reloadConfig) {
  const file = join(dir, "execgate.yaml");
  const write = (text: string) => writeFileSync(file, text);
  write(yaml);
  const sources = { argv: ["--config", file], env: {} };
  const config = loadConfig(sources);
  const [applied, lines, events]: [Config[], { msg: string; level: number }[], AuditEvent[]] = [[], [], []];
  let reopened = 0;
  const log = pino(
    new Writable({
      write(line: Buffer, _encoding, done) {
        lines.push(JSON.parse(line.toString()));
        done();
      },
    }),
  );
  const { run: reload } = createReload({
    config,
    load: () => load(config, sources),
    apply: (next) => applied.push(next),
    audit: { record: (event) => void events.push(event), reopen: () => void reopened++ },
    log,
  });
  return { write, reload, applied, lines, events, reopened: () => reopened };
}

test("a good file is applied, told and audited by its digest", () => {
  const { write, reload, applied, events, lines, reopened } = reloading(policy("host"));
  write(policy("docker:*"));
  reload();
  assert.equal(applied.length, 1);
  assert.equal(
    applied[0]?.policy?.isNear({ subject: "user:a", groups: [], credential: "", expiresAt: undefined }, { id: "docker:x", labels: {} }, 0),
    true,
  );
  assert.deepEqual(events, [{ event: "policy.reload", outcome: "applied", sha256: applied[0]?.file?.sha256 }]);
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ["auth, policy and probes were read again"],
  );
  assert.equal(reopened(), 1);
});

/** What stands in the file, and why it is not taken. */
const refused: readonly (readonly [string, RegExp])[] = [
  ["", /there is nothing in it$/],
  ["# soon\n", /there is nothing in it$/],
  ["policy: { roles: [", /execgate\.yaml: /],
  ["policy: { bindings: [{ subjects: ['user:a'], roles: [x] }] }", /^policy\.bindings\.0\.roles\.0: there is no role "x"$/],
  ["policy: &a { roles: *a }", /alias/],
  ["auth: {}", /^auth: the section is new; that takes a restart$/],
];

for (const [yaml, reason] of refused) {
  test(`what stands stays for a file of ${JSON.stringify(yaml)}`, () => {
    const { write, reload, applied, events, lines, reopened } = reloading(policy("host"));
    write(yaml);
    reload();
    assert.equal(applied.length, 0);
    assert.equal(lines[0]?.level, 50);
    const [event] = events;
    assert.ok(event?.event === "policy.reload" && event.outcome === "kept" && reason.test(event.reason ?? ""), JSON.stringify(event));
    assert.equal(reopened(), 1);
    write(policy("docker:*"));
    reload();
    assert.equal(applied.length, 1);
  });
}

test("what stands stays when reading fails in a way that nobody foresaw", () => {
  const { reload, applied, lines } = reloading(policy("host"), () => {
    throw new RangeError("too deep");
  });
  reload();
  assert.equal(applied.length, 0);
  assert.deepEqual([lines[0]?.level, (lines[0] as { reason?: string }).reason], [50, "too deep"]);
});

test("an auth section that is gone is not taken", () => {
  const { write, reload, applied } = reloading("auth: {}");
  write("limits: {}");
  reload();
  assert.equal(applied.length, 0);
});

test("a policy that is gone is said, and settings that wait for a restart are named", () => {
  const { write, reload, lines } = reloading(policy("host"));
  write("limits: { drainMs: 3 }");
  reload();
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg.slice(0, 40)]),
    [
      [40, "the configuration has no policy any more"],
      [30, "auth, policy and probes were read again"],
      [40, "these settings have changed and wait for"],
    ],
  );
  assert.deepEqual((lines[2] as unknown as { settings: string[] }).settings, ["limits"]);
});

test("without a file the audit is reopened, and nothing else", () => {
  let reopened = 0;
  const { run: reload } = createReload({
    config: loadConfig({ argv: [], env: {} }),
    load: () => assert.fail("there is nothing to read"),
    apply: () => assert.fail("there is nothing to apply"),
    audit: { record: () => assert.fail("there is nothing to tell"), reopen: () => void reopened++ },
    log: pino({ level: "silent" }),
  });
  reload();
  assert.equal(reopened, 1);
});
