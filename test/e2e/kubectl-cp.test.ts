import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { Kubectl } from "../fixtures/kubectl.ts";
import { kubectls, nameOf, newestKubectl, serveKubectls } from "../fixtures/kubectl-gateway.ts";
import { makeOddTree } from "../fixtures/odd-tree.ts";
import { skipWithout } from "../fixtures/require.ts";

const gateway = serveKubectls();

/** A folder that the user of the commands can write to as well. */
async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "execgate-cp-"));
  await chmod(path, 0o777);
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function copy(kubectl: Kubectl, from: string, to: string): Promise<void> {
  const { status, stderr } = await gateway.home.run(kubectl, ["cp", from, to]);
  assert.equal(status, 0, stderr);
}

/** kubectl takes it for a pattern on its own side, and sends no file for it. A backslash it makes a slash. */
const patternName = "star*?[a]";

describe("kubectl cp", { skip: skipWithout("kubectl", kubectls.length > 0), concurrency: 2 }, () => {
  for (const kubectl of kubectls) {
    const megabytes = kubectl === newestKubectl() ? 100 : 5;

    test(`${nameOf(kubectl)}: a file of ${megabytes} MB goes there and comes back as it was`, async (t) => {
      const dir = await folder(t);
      const bytes = randomBytes(megabytes * 1_000_000);
      await writeFile(join(dir, "sent"), bytes);
      await copy(kubectl, join(dir, "sent"), `host:${dir}/there`);
      await copy(kubectl, `default/host:${dir}/there`, join(dir, "back"));
      assert.ok(bytes.equals(await readFile(join(dir, "back"))));
    });

    test(`${nameOf(kubectl)}: a tree with odd names goes there and comes back`, async (t) => {
      const dir = await folder(t);
      const tree = join(dir, "tree");
      await makeOddTree(tree);
      await copy(kubectl, tree, `host:${dir}/there`);
      for (const place of [tree, join(dir, "there")]) await writeFile(join(place, patternName), patternName);
      await copy(kubectl, `host:${dir}/there`, join(dir, "back"));
      const { stdout } = await promisify(execFile)("diff", ["-r", tree, join(dir, "back")]);
      assert.equal(stdout, "");
    });
  }
});
