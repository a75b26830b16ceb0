import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { lookup } from "../../../src/runtimes/container/lookup.ts";
import { runIn, shellsFound } from "../../fixtures/shells.ts";

const script = `${lookup}
cd "$1" && IFS=/
if execgate_find "$2" "$3"; then echo "$execgate_found"; else echo "$execgate_why"; fi
`;

for (const { name, path } of shellsFound()) {
  describe(`the look-up of a command in ${name}`, () => {
    let directory = "";
    before(() => {
      directory = mkdtempSync(join(tmpdir(), "execgate-lookup-"));
      for (const place of ["a", "b c", "c", "c/tool"]) mkdirSync(join(directory, place));
      for (const file of ["a/tool", "a/text", "b c/tool", "here"]) writeFileSync(join(directory, file), "");
      for (const file of ["b c/tool", "here"]) chmodSync(join(directory, file), 0o755);
    });
    after(() => {
      for (const folder of [directory, path]) rmSync(folder, { recursive: true });
    });

    const find = (command: string, searchPath: string): string =>
      runIn(path, ["sh", "-c", script, "sh", directory, command, searchPath], Buffer.alloc(0)).toString().trimEnd();

    test("goes through the PATH, past what is no program, whatever stands in it", () => {
      assert.equal(find("tool", "a:c:b c:*"), "b c/tool");
      assert.equal(find("tool", "b c:a"), "b c/tool");
    });

    test("takes an empty place for where it stands", () => {
      for (const searchPath of ["", ":a", "a::c", "a:"]) assert.equal(find("here", searchPath), "./here");
      assert.equal(find("here", "a:c"), "missing");
    });

    test("looks for a name with a slash at its place only", () => {
      assert.equal(find("./here", "a"), "./here");
      assert.equal(find("b c/tool", ""), "b c/tool");
      assert.equal(find("a/none", ":a"), "missing");
    });

    test("tells what is missing from what is there and cannot be executed", () => {
      assert.equal(find("none", "a:c"), "missing");
      assert.equal(find("", "a:c:"), "missing");
      assert.equal(find("text", "a:c"), "denied");
      assert.equal(find("tool", "c"), "denied");
      assert.deepEqual([find("a/text", ""), find("./a", ""), find("here/below", "")], ["denied", "denied", "missing"]);
    });
  });
}
