import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Disk, mountDisk, noMount } from "../fixtures/disk.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { authOf, openTeam } from "../fixtures/team.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

interface Listed {
  readonly id: string;
  readonly principal: string;
  readonly target: string;
  readonly live: boolean;
}

type Event = readonly [number, string, string];

async function directory(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "execgate-cast-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Header and events of asciicast v2. */
function parse(text: string): { header: Readonly<Record<string, unknown>>; events: Event[] } {
  assert.ok(text.endsWith("\n"), "the last line is whole");
  const [header, ...events] = text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line));
  return { header, events };
}

const outputOf = (events: readonly Event[]): string => events.map(([, type, data]) => (type === "o" ? data : "")).join("");
const recordingOf = async (request: TestGateway["request"], id: string) => await request(`/v1/sessions/${id}/recording`);

async function list(request: TestGateway["request"], query = ""): Promise<Listed[]> {
  const { status, json, text } = await request(`/v1/recordings${query}`);
  assert.equal(status, 200, text);
  return (json as { recordings: Listed[] }).recordings;
}

test("a terminal is recorded with its sizes and its output, never with what was typed", async (t) => {
  const dir = await directory(t);
  await using served = await openGateway({ recording: { mode: "strict", dir } });
  const body = { command: ["sh"], stdin: true, tty: true, cols: 90, rows: 20, keepMs: 60_000, env: { SECRET: "value-of-env" } };
  const { json } = await served.request("/v1/sessions", { method: "POST", body });
  const { id } = json as { id: string };
  const say = (what: string, about: object) => served.request(`/v1/sessions/${id}/${what}`, { method: "POST", body: about });
  const shows = async (text: string) =>
    await until(text, async () => outputOf(parse((await recordingOf(served.request, id)).text).events).includes(text));
  await say("stdin", { data: "stty -echo; echo ready=$((40 + 2))\n" });
  await shows("ready=42");
  await say("resize", { cols: 100, rows: 30 });
  await say("stdin", { data: "read password; echo 'gr\\303\\274n' | sed 's/^/now /'; stty size; exit\n" });
  await say("stdin", { data: "correct horse\n" });
  await until("the end", async () => ((await served.request(`/v1/sessions/${id}`)).json as { state: string }).state === "ended");

  const answer = await recordingOf(served.request, id);
  assert.equal(answer.headers["content-type"], "application/x-asciicast");
  assert.equal(answer.headers["content-disposition"], `attachment; filename="${id}.cast"`);
  const { header, events } = parse(answer.text);
  assert.deepEqual([header.version, header.width, header.height, header.title], [2, 90, 20, "host"]);
  const resize = events.findIndex(([, type]) => type === "r");
  assert.equal(events[resize]?.[2], "100x30");
  assert.match(outputOf(events.slice(0, resize)), /ready=42/);
  assert.match(outputOf(events.slice(resize)), /now .*30 100\r\n$/s);
  assert.ok(events.every(([seconds], i) => seconds >= (events[i - 1]?.[0] ?? 0)));
  for (const secret of ["correct horse", "value-of-env"]) assert.ok(!answer.text.includes(secret), secret);
});

test("output that goes to no terminal is recorded too, both streams, and characters stay whole", async (t) => {
  const dir = await directory(t);
  await using served = await openGateway({ recording: { mode: "bestEffort", dir } });
  const command = ["sh", "-c", "printf 'a\\303'; sleep 0.05; printf '\\274\\n'; echo err >&2"];
  const { id } = await served.exec({ command });
  const { header, events } = parse((await recordingOf(served.request, id)).text);
  assert.deepEqual([header.width, header.height], [80, 24]);
  // Which of the two streams is read first is nobody's promise.
  assert.equal(outputOf(events).replace("err\r\n", ""), "aü\r\n");
  const [first] = await list(served.request);
  assert.deepEqual([first?.id, first?.principal, first?.target, first?.live], [id, "user:owner", "host", false]);
});

test("a large output is recorded to the last byte", async (t) => {
  const dir = await directory(t);
  await using served = await openGateway({ recording: { mode: "strict", dir } });
  const { id, stdout } = await served.exec({ command: ["sh", "-c", "seq 600000; echo END"] });
  const output = outputOf(parse((await recordingOf(served.request, id)).text).events);
  assert.equal(output.replaceAll("\r\n", "\n").length, stdout.bytes);
  assert.ok(output.endsWith("600000\r\nEND\r\n"));
});

test("one sees recordings of one's own, and others' by the verb view, also when the gateway was started anew", async (t) => {
  const dir = await directory(t);
  const rule = (verbs: string[]) => ({ allow: [{ verbs, targets: ["host"], commands: "any", record: "strict" }] });
  const settings = {
    recording: { dir },
    policy: {
      roles: {
        doer: rule(["exec"]),
        watcher: rule(["view"]),
        narrow: { allow: [{ verbs: ["view"], targets: ["host"], commands: [["ls"]] }] },
      },
      bindings: [
        { subjects: ["user:dora"], roles: ["doer"] },
        { subjects: ["user:vera"], roles: ["watcher"] },
        { subjects: ["user:nora"], roles: ["narrow"] },
      ],
    },
  };
  const members = { dora: [], vera: [], nora: [], nobody: [] };
  let id = "";
  {
    await using team = await openTeam(members, settings);
    const answer = await team.as("dora")("/v1/exec", { method: "POST", body: { command: ["echo", "hi"] } });
    assert.equal(answer.status, 200, answer.text);
    id = (answer.json as { id: string }).id;
    assert.equal((await recordingOf(team.as("vera"), id)).status, 200);
  }
  await using team = await openTeam(members, settings);
  for (const name of ["dora", "vera"]) {
    assert.deepEqual(
      (await list(team.as(name))).map((found) => found.id),
      [id],
    );
    assert.match((await recordingOf(team.as(name), id)).text, /"o", "hi\\r\\n"/);
  }
  for (const name of ["nora", "nobody"]) {
    assert.deepEqual(await list(team.as(name)), []);
    assertProblem(await recordingOf(team.as(name), id), 404, "SESSION_NOT_FOUND");
  }
  assert.equal(existsSync(join(team.served.stateDir, "recordings")), false);
});

test("pages of the list go from the newest to the oldest, each once", async (t) => {
  const dir = await directory(t);
  await using served = await openGateway({ recording: { mode: "strict", dir } });
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.unshift((await served.exec({ command: ["true"] })).id);
  const seen: string[] = [];
  for (let next: string | undefined = ""; next !== undefined; ) {
    const { json } = await served.request(`/v1/recordings?limit=2${next === "" ? "" : `&continue=${next}`}`);
    const page = json as { recordings: Listed[]; continue?: string };
    seen.push(...page.recordings.map(({ id }) => id));
    next = page.continue;
  }
  assert.deepEqual(seen, made.sort().reverse());
  assert.deepEqual(await list(served.request, "?target=docker:web"), []);
  assertProblem(await served.request("/v1/recordings?limit=0"), 400, "BAD_REQUEST", "limit");
});

test("by id only: paths, encoded slashes and links lead nowhere", async (t) => {
  const dir = await directory(t);
  await using served = await openGateway({ recording: { mode: "strict", dir: join(dir, "kept") } });
  const { id } = await served.exec({ command: ["true"] });
  writeFileSync(join(dir, "outside.cast"), readFileSync(join(dir, "kept", `${id}.cast`)));
  symlinkSync(join(dir, "outside.cast"), join(dir, "kept", `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}.cast`));
  const [linked] = readdirSync(join(dir, "kept")).filter((name) => name !== `${id}.cast`);
  const paths = [
    "../outside",
    "..%2Foutside",
    "%2e%2e%2foutside",
    `${id}%2F..%2F${id}`,
    `.%2F${id}`,
    `${id}%00`,
    linked?.replace(".cast", ""),
  ];
  for (const path of paths) {
    const { status } = await served.request(`/v1/sessions/${path}/recording`);
    assert.equal(status, 404, path);
  }
  assert.equal((await list(served.request)).length, 1);
});

test("what must be recorded and cannot be does not run; by best effort it does, and the trail tells of both", async (t) => {
  const dir = await directory(t);
  writeFileSync(join(dir, "file"), "");
  const audit = join(dir, "audit.jsonl");
  const settings = {
    auth: authOf({ sam: [], bea: [] }),
    audit: { file: audit },
    recording: { dir: join(dir, "file", "kept") },
    policy: {
      roles: Object.fromEntries(
        ["strict", "bestEffort"].map((record) => [record, { allow: [{ verbs: ["exec"], targets: ["host"], commands: "any", record }] }]),
      ),
      bindings: [
        { subjects: ["user:sam"], roles: ["strict"] },
        { subjects: ["user:bea"], roles: ["bestEffort"] },
      ],
    },
  };
  await using team = await openTeam({ sam: [], bea: [] }, settings);
  const mark = join(dir, "ran");
  const run = (name: string) => team.as(name)("/v1/exec", { method: "POST", body: { command: ["touch", mark] } });
  assertProblem(await run("sam"), 503, "RECORDING_UNAVAILABLE");
  assert.equal(existsSync(mark), false);
  assert.equal((await run("bea")).status, 200);
  await until("both in the trail", () => readFileSync(audit, "utf8").split('"event":"recording.failure"').length === 3);
  assert.match(readFileSync(audit, "utf8"), /"outcome":"refused","code":"RECORDING_UNAVAILABLE"/);
  const { status } = await team.as("bea")("/v1/recordings");
  assert.equal(status, 200, "where there is no directory there is nothing");
});

/** A gateway that records on a disk of 1 MiB, and a command that writes more than that. */
async function fillDisk(disk: Disk, mode: string): Promise<{ outcome: string; endedBy: string | null; bytes: number }> {
  await using served = await openGateway({ recording: { mode, dir: join(disk.dir, mode) } });
  const { outcome, endedBy, stdout } = await served.exec({ command: ["sh", "-c", "seq 300000"] });
  const [file = ""] = readdirSync(join(disk.dir, mode));
  await served.shutdown();
  assert.ok(parse(readFileSync(join(disk.dir, mode, file), "utf8")).events.length > 0);
  return { outcome, endedBy, bytes: stdout.bytes };
}

test("a disk that becomes full ends a strict session, and only the recording of another", { skip: noMount }, async (t) => {
  const disk = await mountDisk();
  t.after(() => disk[Symbol.asyncDispose]());
  assert.deepEqual(await fillDisk(disk, "bestEffort").then(({ bytes, ...rest }) => [bytes > 1_900_000, rest]), [
    true,
    { outcome: "exited", endedBy: null },
  ]);
  await rm(join(disk.dir, "bestEffort"), { recursive: true });
  const { outcome, endedBy } = await fillDisk(disk, "strict");
  assert.deepEqual([outcome, endedBy], ["killed", "policy"]);
});

test("a gateway that is killed leaves what was shown so far", async (t) => {
  const dir = await directory(t);
  await using gateway = await GatewayProcess.spawn({ settings: { recording: { mode: "strict", dir } } });
  const request = await gateway.requester();
  const sleep = uniqueSleep();
  const body = { command: ["sh", "-c", `seq 20000; sleep ${sleep}`], keepMs: 60_000 };
  const { id } = (await request("/v1/sessions", { method: "POST", body })).json as { id: string };
  await until("the output", () => readFileSync(join(dir, `${id}.cast`), "utf8").includes("20000\\r\\n"));
  gateway.child.kill("SIGKILL");
  await gateway.exited;
  const { events } = parse(readFileSync(join(dir, `${id}.cast`), "utf8"));
  assert.ok(outputOf(events).endsWith("20000\r\n"));
  await until("the command's end", () => processesWith(sleep).length === 0);
});
