import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { loadConfig } from "../../src/config.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

const run = (...args: string[]) => runToEnd(["token", ...args], createFakeTerminal("http://127.0.0.1:1"));

test("a secret of 256 bits is printed with the line that knows it by its digest", async (t) => {
  const { status, stdout } = await run("new", "ci@example.com", "--groups", "probers,night", "--expires", "2027-06-01");
  assert.equal(status, 0);
  const [secret = "", line = "", ...rest] = stdout.split("\n");
  assert.match(secret, /^execgate_[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(rest, [""]);
  assert.ok(!line.includes(secret));
  const [entry] = parse(line) as Record<string, unknown>[];
  const sha256 = createHash("sha256").update(secret).digest("hex");
  assert.deepEqual(entry, { id: "ci@example.com", sha256, groups: ["probers", "night"], expires: "2027-06-01" });

  const dir = mkdtempSync(join(tmpdir(), "execgate-token-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "c.yaml"), `auth:\n  tokens:\n${line}\n`);
  const { auth } = loadConfig({ argv: ["--config", join(dir, "c.yaml")], env: {} });
  assert.equal(auth?.tokens[0]?.sha256, sha256);
});

test("no two secrets are the same", async () => {
  const secrets = await Promise.all([run("new", "a"), run("new", "a")]);
  assert.notEqual(secrets[0].stdout, secrets[1].stdout);
});

for (const args of [
  [],
  ["new"],
  ["old", "ci"],
  ["new", "a", "b"],
  ["new", "a b"],
  ["new", "owner"],
  ["new", 'a"'],
  ["new", "a", "--expires", "soon"],
  ["new", "a", "--expires", "2027-13-01"],
  ["new", "a", "--expires", "2027-02-30"],
]) {
  test(`refused: token ${args.join(" ")}`, async () => {
    const { status, stdout, stderr } = await run(...args);
    assert.deepEqual([status, stdout], [255, ""]);
    assert.match(stderr, /^execgate: [^\n]+\n$/);
  });
}
