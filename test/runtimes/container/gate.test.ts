import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Chunk, ExecSpec, OutputSource } from "../../../src/exec/runtime.ts";
import { GatedOutput, gateCommand, gateRefusal, go } from "../../../src/runtimes/container/gate.ts";

const plain: ExecSpec = { command: ["true"], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };
const directory = mkdtempSync(join(tmpdir(), "execgate-gate-"));
after(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, "plain"), "no program");

/** The shells of images, each called sh as it is there. */
const shells = ["/bin/dash", "/bin/bash", "/bin/busybox"].filter((path) => existsSync(path));

/** Runs a gate in `shell`, with an environment as small as a container's. */
function run(shell: string, spec: Partial<ExecSpec>, env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  const sh = join(directory, `sh-of-${shell.replaceAll("/", "-")}`, "sh");
  if (!existsSync(sh)) {
    symlinkSync(shell, join(mkdirOf(sh), "sh"));
  }
  const [, ...args] = gateCommand({ ...plain, ...spec }, "/usr/bin:/bin", "MARK");
  return spawn(sh, args, { argv0: "sh", cwd: "/", env: { PATH: "/usr/bin:/bin", ...env } });
}

function mkdirOf(file: string): string {
  const parent = join(file, "..");
  if (!existsSync(parent)) symlinkSync(mkdtempSync(join(directory, "bin-")), parent);
  return parent;
}

async function outcome(child: ChildProcessWithoutNullStreams, input: string) {
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const parts = { stdout: "", stderr: "" };
  child.stdout.on("data", (bytes) => {
    parts.stdout += bytes;
  });
  child.stderr.on("data", (bytes) => {
    parts.stderr += bytes;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { ...parts, code };
}

for (const shell of shells) {
  describe(`the gate in ${shell}`, () => {
    test("becomes the command, with its argv, its input and its exit code", async () => {
      const command = ["sh", "-c", 'printf "%s|" "$@"; cat; exit 3', "-", "a  b", "*", "$HOME", ""];
      const { stdout, stderr, code } = await outcome(run(shell, { command }), `${go}hello\n`);
      assert.equal(stdout, "a  b|*|$HOME||hello\n");
      assert.match(stderr, /^execgate MARK ready \d+\nexecgate MARK passed\n$/);
      assert.equal(code, 3);
    });

    test("says with which pid it becomes the command", async () => {
      const { stdout, stderr } = await outcome(run(shell, { command: ["sh", "-c", "echo $$"] }), String(go));
      assert.ok(stderr.startsWith(`execgate MARK ready ${stdout}`));
    });

    test("runs nothing when its input ends before it is let through", async () => {
      const { stdout, code } = await outcome(run(shell, { command: ["echo", "hi"] }), "");
      assert.deepEqual([stdout, code], ["", 125]);
    });

    test("says what is missing, and what is there but cannot be executed", async () => {
      const said = async (spec: Partial<ExecSpec>) => (await outcome(run(shell, spec), String(go))).stderr;
      assert.equal(await said({ command: ["no-such-command"] }), "execgate MARK missing\n");
      assert.equal(await said({ command: ["/no/such/command"] }), "execgate MARK missing\n");
      assert.equal(await said({ command: [""] }), "execgate MARK missing\n");
      assert.equal(await said({ command: ["tmp"], cwd: "/" }), "execgate MARK missing\n");
      assert.equal(await said({ command: ["/tmp"] }), "execgate MARK denied\n");
      assert.equal(await said({ command: [join(directory, "plain")] }), "execgate MARK denied\n");
      assert.equal(await said({ cwd: "/no/such/directory" }), "execgate MARK cwd\n");
    });

    test("enters the directory, and leaves the environment as it is", async () => {
      const command = ["sh", "-c", 'pwd; echo "$A|$SHLVL|$execgate_cwd|$execgate_found"'];
      const { stdout } = await outcome(run(shell, { command, cwd: "/usr/bin" }, { A: "b c" }), String(go));
      const [cwd, values] = stdout.split("\n");
      assert.equal(cwd, "/usr/bin");
      assert.match(values ?? "", /^b c\|[01]?\|\|$/);
    });

    test("looks the command up in the target's PATH, whatever the caller's is", async () => {
      const { stdout } = await outcome(run(shell, { command: ["env"] }, { PATH: "/nowhere" }), String(go));
      assert.match(stdout, /^PATH=\/nowhere$/m);
    });

    test("without a command becomes a shell", async () => {
      const { stdout, code } = await outcome(run(shell, { command: [] }), `${go}echo "it is $0"; exit 4\n`);
      assert.match(stdout, /^it is \/.*sh\n$/m);
      assert.equal(code, 4);
    });
  });
}

/** Output in pieces as they are given. */
class Pieces implements OutputSource {
  readonly #chunks: readonly Chunk[];
  #next = 0;
  complete = false;

  constructor(chunks: readonly Chunk[]) {
    this.#chunks = chunks;
  }

  async next(): Promise<Chunk | undefined> {
    const chunk = this.#chunks[this.#next++];
    this.complete = chunk === undefined;
    return chunk;
  }

  cut(): void {}
}

const err = (text: string): Chunk => ({ stream: "stderr", bytes: Buffer.from(text) });
const out = (text: string): Chunk => ({ stream: "stdout", bytes: Buffer.from(text) });

describe("the output behind a gate", () => {
  test("is what follows the last announcement, wherever it was cut", async () => {
    const all = "execgate M ready 7\nexecgate M passed\nexecgate M ready 8\n";
    for (let at = 0; at <= all.length; at++) {
      const gated = new GatedOutput(new Pieces([err(all.slice(0, at)), err(all.slice(at)), out("x")]), "M", false);
      assert.deepEqual(await gated.hear(), { word: "ready", pid: 7 });
      assert.equal((await gated.hear())?.word, "passed");
      let rest = "";
      for (let chunk = await gated.next(); chunk; chunk = await gated.next()) rest += `${chunk.stream}:${chunk.bytes}`;
      assert.equal(rest.replaceAll("stderr:", ""), "execgate M ready 8\nstdout:x");
      assert.ok(gated.complete);
    }
  });

  test("comes whole when the other stream is faster than the announcements", async () => {
    const gated = new GatedOutput(
      new Pieces([err("execgate M ready 7\n"), out("fast"), err("execgate M passed\n"), out("er")]),
      "M",
      false,
    );
    await gated.hear();
    await gated.hear();
    assert.equal(`${(await gated.next())?.bytes}${(await gated.next())?.bytes}`, "faster");
    assert.equal(gated.said, "");
  });

  test("hides the echo of a terminal", async () => {
    const gated = new GatedOutput(new Pieces([out("execgate M ready 7\r\n\r\nexecgate M passed\r\nhi\r\n")]), "M", true);
    assert.deepEqual(await gated.hear(), { word: "ready", pid: 7 });
    assert.equal((await gated.hear())?.word, "passed");
    assert.equal((await gated.next())?.bytes.toString(), "hi\r\n");
  });

  test("that ends without an announcement is what somebody else said, on a terminal too, up to a bound", async () => {
    for (const isTerminal of [false, true]) {
      const failed = out("OCI runtime exec failed\r\n");
      const brief = new GatedOutput(new Pieces([failed]), "M", isTerminal);
      assert.equal(await brief.hear(), undefined);
      assert.equal(brief.said, "OCI runtime exec failed\r\n");
      const more = Array.from({ length: 100 }, () => (isTerminal ? out : err)("x".repeat(1000)));
      const long = new GatedOutput(new Pieces([failed, ...more]), "M", isTerminal);
      assert.equal(await long.hear(), undefined);
      assert.ok(long.said.startsWith("OCI runtime exec failed"));
      assert.ok(long.said.length <= 4096);
    }
  });

  test("is not kept while nothing is announced, however much it is", { timeout: 5000 }, async () => {
    const much = Array.from({ length: 20_000 }, () => err("x".repeat(4000)));
    const gated = new GatedOutput(new Pieces([...much, err("execgate M ready 7\n")]), "M", false);
    assert.deepEqual(await gated.hear(), { word: "ready", pid: 7 });
  });
});

test("each announcement of a failure is a refusal of its own", () => {
  const code = (word: "missing" | "denied" | "cwd" | "passed") => gateRefusal({ word }, { ...plain, cwd: "/x" })?.code;
  assert.equal(code("missing"), "COMMAND_NOT_FOUND");
  assert.equal(code("denied"), "COMMAND_NOT_EXECUTABLE");
  assert.equal(code("cwd"), "CWD_NOT_FOUND");
  assert.equal(code("passed"), undefined);
});
