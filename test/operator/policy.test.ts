import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { run } from "./operator.ts";

const dir = mkdtempSync(join(tmpdir(), "execgate-operator-"));
after(() => rmSync(dir, { recursive: true }));

function fileOf(yaml: string): string {
  const file = join(dir, "execgate.yaml");
  writeFileSync(file, yaml);
  return file;
}

const file = fileOf(`
policy:
  roles:
    prober:
      allow: [{ verbs: [exec], targets: ["docker:db"], modes: [sync], commands: [[pg_isready]], timeoutMsMax: 5000 }]
    operator:
      allow: [{ verbs: [exec, kill], targets: ["docker:*"], commands: any, users: [app], reasonRequired: true, sessionsPerPrincipalMax: 3 }]
      deny: [{ targets: ["docker:vault"] }, { labels: { tier: "secret*" } }, { verbs: [exec], commands: [[rm, -rf, /]] }]
  bindings:
    - { subjects: ["group:probers"], roles: [prober] }
    - { subjects: ["user:alice"], roles: [operator] }
`);

const explain = (...args: string[]) => run("policy", "explain", "--config", file, ...args);
const alice = ["--as", "user:alice", "--target"];
const prober = ["--as", "user:ci", "--group", "probers", "--target", "docker:db"];

/** What is asked, the status, and what is said. */
const answers: readonly (readonly [readonly string[], number, RegExp])[] = [
  [[...alice, "docker:web", "--reason", "x", "--", "ls", "-l"], 0, /^allowed by operator\.allow\.0\n {2}sessionsPerPrincipalMax: 3\n$/],
  [[...alice, "docker:web", "--reason", "x", "--user", "app", "--env", "A", "--", "ls"], 0, /^allowed by operator\.allow\.0/],
  [[...alice, "docker:web", "--", "ls"], 1, /^denied: no rule allows it; operator\.allow\.0 comes nearest, but for reason\n.*FORBIDDEN/],
  [[...alice, "docker:web", "--user", "root", "--", "ls"], 1, /comes nearest, but for user\n/],
  [[...alice, "docker:web", "--reason", "x", "--", "rm", "-rf", "/"], 1, /^denied by operator\.deny\.2\n/],
  [
    [...alice, "docker:vault", "--reason", "x", "--", "ls"],
    1,
    /^denied: no rule lets user:alice near docker:vault\n.*TARGET_NOT_FOUND: There is no/,
  ],
  [[...alice, "docker:web", "--verb", "kill", "--reason", "x"], 0, /^allowed/],
  [[...alice, "docker:web", "--label", "tier=front", "--label", "a=b=c", "--verb", "kill", "--reason", "x"], 0, /^allowed/],
  [[...alice, "docker:web", "--label", "tier=secret-1", "--reason", "x", "--", "ls"], 1, /no rule lets user:alice near docker:web/],
  [[...alice, "docker:web", "--verb", "view"], 1, /^denied: no rule allows this on docker:web\n/],
  [["--as", "user:bob", "--target", "docker:web", "--", "ls"], 1, /no rule lets user:bob near docker:web/],
  [[...prober, "--timeout-ms", "5000", "--", "pg_isready"], 0, /^allowed by prober\.allow\.0\n$/],
  [[...prober, "--", "pg_isready"], 1, /but for timeoutMs\n.*timeoutMs is 30000; policy allows from 1 to 5000/],
  [[...prober, "--mode", "interactive", "--", "pg_isready"], 1, /but for mode\n/],
  [[...prober, "--env", "A=1", "--", "pg_isready"], 1, /but for env\n.*"A"/],
  [[...prober, "--", "psql"], 1, /but for command\n/],
];

for (const [args, status, said] of answers) {
  test(`policy explain ${args.join(" ")}`, async () => {
    const answer = await explain(...args);
    assert.equal(answer.status, status, answer.stderr);
    assert.match(answer.stdout, said);
    assert.equal(answer.stderr, "");
  });
}

test("policy check says that a file is well formed, and that one without a policy allows everything", async () => {
  assert.deepEqual(await run("policy", "check", file), { status: 0, stdout: `${file}: the policy is well formed\n`, stderr: "" });
  const open = join(dir, "open.yaml");
  writeFileSync(open, "limits: {}");
  assert.match((await run("policy", "check", open)).stdout, /whoever is authenticated may do everything/);
  assert.equal((await run("policy", "explain", "--config", open, "--as", "user:a", "--target", "host")).status, 0);
});

test("a bad file is 78 with the start's own message", async () => {
  const bad = join(dir, "bad.yaml");
  writeFileSync(bad, "policy: { bindings: [{ subjects: ['user:a'], roles: [r] }] }");
  const message = 'execgate: policy.bindings.0.roles.0: there is no role "r"\n';
  assert.deepEqual(await run("policy", "check", bad), { status: 78, stdout: "", stderr: message });
  assert.equal((await run("policy", "explain", "--config", bad, "--as", "user:a", "--target", "host")).stderr, message);
  assert.equal((await run("policy", "check", join(dir, "missing.yaml"))).status, 78);
});

test("a call that is not understood is 64 and one line", async () => {
  for (const args of [
    ["nope"],
    ["check"],
    ["check", file, file],
    ["explain", "--config", file],
    ["explain", "--config", file, "--as", "alice", "--target", "host"],
    ["explain", "--config", file, ...alice, "host", "ls"],
    ["explain", "--config", file, ...alice, "host", "--mode", "async"],
    ["explain", "--config", file, ...alice, "host", "--timeout-ms", "5s"],
    ["explain", "--config", file, ...alice, "host", "--label", "tier"],
    ["explain", "--nope"],
  ]) {
    const { status, stdout, stderr } = await run("policy", ...args);
    assert.deepEqual([status, stdout], [64, ""], args.join(" "));
    assert.match(stderr, /^execgate: [^\n]+\n$/);
  }
});

test("how it is called is told when it is asked for, and when nothing is", async () => {
  for (const args of [[], ["--help"], ["explain", "-h"]]) {
    const { status, stdout } = await run("policy", ...args);
    assert.equal(status, 0);
    assert.match(stdout, /^execgate policy check FILE\nexecgate policy explain/);
  }
});
