import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { size, until } from "../../conformance/process.ts";
import { code, descriptors } from "../../conformance/runtime-start.ts";
import { createHost } from "./running.ts";

describe("a command that cannot be started says why", { timeout: 30_000 }, () => {
  const host = createHost();
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "execgate-errors-"));
    await chmod(folder, 0o755);
    await writeFile(join(folder, "bare"), "echo this is no program", { mode: 0o755 });
    await writeFile(join(folder, "orphan"), "#!/no/such/interpreter\n", { mode: 0o755 });
    await writeFile(join(folder, "plain"), "#!/bin/sh\n", { mode: 0o644 });
  });
  after(() => rm(folder, { recursive: true }));

  const cases = [
    ["a name that is nowhere in PATH", "no-such-command", "COMMAND_NOT_FOUND"],
    ["the empty name", "", "COMMAND_NOT_FOUND"],
    ["a path with nothing there", "/no/such/command", "COMMAND_NOT_FOUND"],
    ["a path through a file", "/etc/passwd/x", "COMMAND_NOT_FOUND"],
    ["a name longer than any file's", "x".repeat(5000), "COMMAND_NOT_FOUND"],
    ["a folder", "/usr", "COMMAND_NOT_EXECUTABLE"],
    ["a file without the right to execute it", "FOLDER/plain", "COMMAND_NOT_EXECUTABLE"],
    ["a file without a shebang, which no shell is given", "FOLDER/bare", "COMMAND_NOT_EXECUTABLE"],
    ["a script whose interpreter is missing", "FOLDER/orphan", "COMMAND_NOT_EXECUTABLE"],
  ] as const;
  for (const [what, command, expected] of cases) {
    test(`${what} is ${expected}, on pipes and on a tty`, async () => {
      const file = command.replace("FOLDER", folder);
      await assert.rejects(host.start({ command: [file] }), code(expected));
      await assert.rejects(host.start({ command: [file], tty: size }), code(expected));
    });
  }

  test("a missing command is told with its name and where it was looked for", async () => {
    await assert.rejects(host.start({ command: ["no-such-command"] }), /"no-such-command" was not found in \/usr\/local\/sbin:/);
  });

  test("a script without a shebang is told what it lacks", async () => {
    await assert.rejects(host.start({ command: [join(folder, "bare")] }), /\/bare" is no program of this machine, and no script .* #!/);
  });

  test("the caller's PATH does not change where a command is looked up", async () => {
    await assert.rejects(host.start({ command: ["plain"], env: { PATH: folder } }), code("COMMAND_NOT_FOUND"));
  });

  test("a missing or closed cwd is CWD_NOT_FOUND", async () => {
    for (const cwd of ["/no/such/folder", "/etc/passwd"])
      await assert.rejects(host.start({ command: ["true"], cwd }), code("CWD_NOT_FOUND"));
  });

  test("what is too long or holds NUL is BAD_REQUEST", async () => {
    await assert.rejects(host.start({ command: ["echo", "x".repeat(200_000)] }), code("BAD_REQUEST"));
    await assert.rejects(host.start({ command: ["echo", "a\0b"] }), code("BAD_REQUEST"));
    await assert.rejects(host.start({ command: ["echo"], env: { "A=B": "" } }), code("BAD_REQUEST"));
    await assert.rejects(host.start({ command: ["echo"], env: { A: "\0" } }), code("BAD_REQUEST"));
  });

  test("500 failed starts of each kind leave the descriptors as they were", async () => {
    const before = descriptors();
    for (let i = 0; i < 500; i++) {
      await assert.rejects(host.start({ command: ["no-such-command"], tty: i % 2 ? size : undefined, stdin: true }));
      await assert.rejects(host.start({ command: ["true"], cwd: "/no/such/folder", tty: i % 2 ? undefined : size }));
    }
    // Group files are written beside the loop, and may be open for a moment more.
    await until(() => descriptors() <= before);
  });

  test("with too few descriptors left a start is OVERLOADED, and leaves none behind", async () => {
    const script = new URL("./few-descriptors.js", import.meta.url).pathname;
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", `ulimit -n 100; exec "$0" "$1"`, process.execPath, script]);
    const { pipes, tty, leaked } = JSON.parse(stdout) as { pipes: string[]; tty: string[]; leaked: number };
    for (const outcomes of [pipes, tty]) {
      assert.deepEqual([...new Set(outcomes)], ["OVERLOADED", "started"], outcomes.join());
    }
    assert.equal(leaked, 0);
  });
});
