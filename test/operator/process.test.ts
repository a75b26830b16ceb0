import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "execgate-operator-"));
after(() => rmSync(dir, { recursive: true }));

const file = join(dir, "execgate.yaml");
writeFileSync(
  file,
  'policy: { roles: { r: { allow: [{ verbs: [view], targets: [host] }] } }, bindings: [{ subjects: ["user:a"], roles: [r] }] }',
);
const bad = join(dir, "bad.yaml");
writeFileSync(bad, "policy: { role: {} }");

/** What the shell sees of `execgate`. */
function execgate(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("a shell sees 0 for allowed, 1 for denied, 78 for a bad file", () => {
  const explain = (...args: string[]) => execgate("policy", "explain", "--config", file, "--as", "user:a", "--target", "host", ...args);
  assert.equal(execgate("policy", "check", file).status, 0);
  assert.equal(explain("--verb", "view").status, 0);
  assert.equal(explain("--", "id").status, 1);
  assert.deepEqual(execgate("policy", "check", bad), { status: 78, stdout: "", stderr: "execgate: policy.role: unknown key\n" });
});

test("the gateway itself does not start with a bad policy", () => {
  const { status, stderr } = execgate("serve", "--config", bad, "--listen", "127.0.0.1:0");
  assert.deepEqual([status, stderr], [78, "execgate: policy.role: unknown key\n"]);
});
