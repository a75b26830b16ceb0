import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { table, visible } from "../../src/cli/table.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

let served: TestGateway;
before(async () => {
  const probes = {
    good: { targets: ["host"], command: ["echo", "fine"] },
    bad: { targets: ["host"], command: ["sh", "-c", "printf 'no\\033[2J'; exit 3"] },
  };
  const runtimes = { absent: { kind: "docker", socket: "/nonexistent" } };
  served = await openGateway({ probes, runtimes });
});
after(() => served[Symbol.asyncDispose]());

async function run(...argv: string[]) {
  const io = createFakeTerminal(served.url);
  Object.assign(io.env, { EXECGATE_TOKEN: testToken });
  return await runToEnd(argv, io);
}

async function start(...command: string[]): Promise<string> {
  const answer = await served.request("/v1/sessions", { method: "POST", body: { command, stdin: true } });
  return (answer.json as { id: string }).id;
}

test("sessions are listed as a table, their control characters escaped, and as JSON for scripts; kill ends them", async () => {
  const id = await start("sh", "-c", "read x", "\u001b]0;bad\u0007\u202e");
  const { stdout, status } = await run("sessions");
  const line = stdout.split("\n").find((one) => one.startsWith(id)) ?? "";
  assert.equal(status, 0);
  assert.match(stdout, /^ID +STATE +TARGET +OWNER +CLIENTS +STARTED +COMMAND\n/);
  assert.match(line, /running +host +user:owner +0 +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +sh -c read x \\u\{1b\}\]0;bad\\u\{7\}\\u\{202e\}$/);
  const json = (await run("sessions", "--json", "--state", "running")).stdout
    .trim()
    .split("\n")
    .map((one) => JSON.parse(one));
  assert.deepEqual(
    json.map((session) => session.id),
    [id],
  );
  assert.deepEqual(await run("kill", id), { status: 0, stdout: "", stderr: "" });
  assert.match((await run("sessions")).stdout, new RegExp(`${id} +killed`));
  const two = await start("cat");
  const some = await run("kill", "--json", "none", two);
  assert.deepEqual([some.status, JSON.parse(some.stdout).endedBy], [255, "client"]);
  assert.match(some.stderr, /^execgate: none: SESSION_NOT_FOUND: [^\n]+\n$/);
});

test("targets are listed, and runtimes that cannot be asked are told", async () => {
  const { status, stdout, stderr } = await run("targets");
  assert.match(stdout, /^ID +RUNTIME +STATE +LABELS\nhost +host +running\n$/);
  assert.deepEqual([status, stderr], [0, "execgate: absent cannot be asked: what it has is not listed\n"]);
  assert.equal(JSON.parse((await run("targets", "--json", "--runtime", "host")).stdout).id, "host");
});

test("a probe's verdict is the exit status, and what it says is escaped", async () => {
  const good = await run("probe", "good");
  assert.equal(good.status, 0);
  assert.match(good.stdout, /pass +host +0 +\d+ ms +fine\n$/);
  const bad = await run("probe", "bad");
  assert.equal(bad.status, 1);
  assert.match(bad.stdout, /fail +host +3 +\d+ ms +no\\u\{1b\}\[2J\n$/);
  assert.equal(JSON.parse((await run("probe", "--json", "bad")).stdout).status, "fail");
  assert.match((await run("probe", "none")).stderr, /^execgate: PROBE_NOT_FOUND: /);
});

test("attach to what is not there is told", async () => {
  const { status, stderr } = await run("attach", "none");
  assert.deepEqual([status, /^execgate: SESSION_NOT_FOUND: /.test(stderr)], [255, true]);
});

test("attach shows what was written before, takes what is typed, and ends with the command's own status", async () => {
  const id = await start("sh", "-c", "echo before; read x; echo got $x; exit 5");
  const io = createFakeTerminal(served.url);
  Object.assign(io.env, { EXECGATE_TOKEN: testToken });
  assert.deepEqual(await runToEnd(["attach", id], io, "typed\n"), { status: 5, stdout: "before\ngot typed\n", stderr: "" });
  assert.deepEqual(await run("attach", "--view", id), { status: 5, stdout: "before\ngot typed\n", stderr: "" });
});

describe("replay", () => {
  async function replay(lines: readonly unknown[], ...args: string[]) {
    const dir = mkdtempSync(join(tmpdir(), "execgate-replay-"));
    const file = join(dir, "cast");
    writeFileSync(file, lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
    const beganMs = performance.now();
    const result = await run("replay", ...args, file);
    rmSync(dir, { recursive: true });
    return { ...result, tookMs: performance.now() - beganMs };
  }
  const header = { version: 2, width: 80, height: 24 };
  const events = [
    [0, "o", "a\u001b[1m"],
    [0.2, "r", "100x30"],
    [0.4, "o", "b\r\n"],
    [100.4, "o", "c"],
  ];

  test("shows what was shown, at its pace but for long pauses", async () => {
    const played = await replay([header, ...events], "--idle", "0.3", "--speed", "2");
    assert.deepEqual([played.status, played.stdout], [0, "a\u001b[1mb\r\nc"]);
    assert.ok(played.tookMs >= 300 && played.tookMs < 3000, `${played.tookMs}`);
  });

  test("refuses what is no recording, by its line", async () => {
    assert.match((await replay([])).stderr, /no recording in asciicast version 2/);
    assert.match((await replay([{ version: 1 }])).stderr, /no recording in asciicast version 2/);
    assert.match((await replay([header, events[0], "{"])).stderr, /line 3 is no event/);
    assert.match((await run("replay", "/no/such")).stderr, /^execgate: .*ENOENT/);
    assert.match((await run("replay", "--speed", "0", "x")).stderr, /^execgate: --speed/);
  });
});

test("a table is as wide as its cells, and holds no control character of them", () => {
  assert.equal(
    table(
      ["A", "B"],
      [
        ["long", "x"],
        ["\r\u009b", "\u202e"],
      ],
    ),
    "A            B\nlong         x\n\\u{d}\\u{9b}  \\u{202e}\n",
  );
  assert.equal(visible("plain ünïcode 漢"), "plain ünïcode 漢");
});
