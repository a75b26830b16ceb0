import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as pty from "node-pty";
import { pino } from "pino";
import { loadConfig } from "../../src/config.ts";
import { type Gateway, startGateway } from "../../src/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";

const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const token = "the-token-of-this-test";

const stateDir = mkdtempSync(join(tmpdir(), "execgate-e2e-"));
let gateway: Gateway;

before(async () => {
  const config = loadConfig({ argv: ["--listen", "127.0.0.1:0"], env: { EXECGATE_TOKEN: token, EXECGATE_STATE_DIR: stateDir } });
  gateway = await startGateway(config, pino({ level: "silent" }));
});

after(async () => {
  await gateway.shutdown(AbortSignal.abort());
  rmSync(stateDir, { recursive: true });
});

const environment = (given = token) => ({ PATH: process.env.PATH ?? "", EXECGATE_SERVER: gateway.urls[0] ?? "", EXECGATE_TOKEN: given });

/** Runs the client as a program and gives back its status and what it wrote. */
async function run(t: TestContext, args: readonly string[], input: string | Buffer = "", given?: string) {
  const child = spawn(process.execPath, [program, "exec", ...args], { env: environment(given) });
  t.after(() => child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [status] = await once(child, "close");
  return { status, stdout, stderr };
}

test("the command's exit code and both of its streams are the client's own", async (t) => {
  assert.deepEqual(await run(t, ["--", "sh", "-c", "echo out; echo err >&2; exit 7"]), { status: 7, stdout: "out\n", stderr: "err\n" });
});

test("8 MB of random stdin arrive as they were sent", async (t) => {
  const sent = randomBytes(8_000_000);
  const { status, stdout } = await run(t, ["-i", "--", "sh", "-c", "cat | sha256sum"], sent);
  assert.deepEqual([status, stdout.slice(0, 64)], [0, createHash("sha256").update(sent).digest("hex")]);
});

test("environment and working directory are those that were asked for", async (t) => {
  const { stdout } = await run(t, ["--env", "A=b c+d", "--cwd", "/usr", "--", "sh", "-c", 'echo "$A"; pwd']);
  assert.equal(stdout, "b c+d\n/usr\n");
});

test("8 MB of output come back, and no more is waited for than there is", async (t) => {
  const { status, stdout } = await run(t, ["--", "sh", "-c", "head -c 8000000 /dev/zero | tr '\\0' x"]);
  assert.deepEqual([status, stdout.length], [0, 8_000_000]);
});

test("a timeout is 124, a signal 128 + n, a command that is not there 255", async (t) => {
  assert.equal((await run(t, ["--timeout", "100ms", "--", "sleep", "60"])).status, 124);
  assert.equal((await run(t, ["--", "sh", "-c", "kill -9 $$"])).status, 137);
  const missing = await run(t, ["--", "no-such-command"]);
  assert.equal(missing.status, 255);
  assert.match(missing.stderr, /^execgate: COMMAND_NOT_FOUND: [^\n]+\n$/);
});

test("a wrong token is refused with its code", async (t) => {
  const { status, stderr } = await run(t, ["--", "id"], "", "wrong");
  assert.equal(status, 255);
  assert.match(stderr, /^execgate: UNAUTHENTICATED: [^\n]+\n$/);
});

test("SIGINT to the client interrupts the command", async (t) => {
  const child = spawn(process.execPath, [program, "exec", "--", "sh", "-c", "echo up; exec sleep 60"], { env: environment() });
  t.after(() => child.kill("SIGKILL"));
  child.stdout.once("data", () => child.kill("SIGINT"));
  assert.deepEqual(await once(child, "exit"), [130, null]);
});

test("a gateway that was started anew is told, and is 255", async (t) => {
  await using first = await GatewayProcess.spawn();
  const url = await first.url();
  const env = { ...environment(), EXECGATE_SERVER: url };
  const child = spawn(process.execPath, [program, "exec", "--keep", "1m", "--", "sh", "-c", "echo up; exec sleep 60"], { env });
  t.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = once(child, "close");
  await once(child.stdout, "data");
  first.child.kill("SIGKILL");
  await first.exited;
  await using second = await GatewayProcess.spawn({ listen: [new URL(url).host] });
  await second.url();
  const beganMs = performance.now();
  assert.deepEqual(await ended, [255, null]);
  assert.match(stderr, /SESSION_NOT_FOUND/);
  assert.ok(performance.now() - beganMs < 6000);
});

test("a terminal has the local size, follows it, and ends with the command's code", async (t) => {
  const script = '"$NODE" "$PROGRAM" exec -it -- sh -c "$SCRIPT"; echo "STATUS=$?"; read -r answer';
  const watchSize = "trap 'stty size; exit 7' WINCH; stty size; while :; do sleep 0.05; done";
  const env = { ...environment(), NODE: process.execPath, PROGRAM: program, SCRIPT: watchSize };
  const terminal = pty.spawn("sh", ["-c", script], { cols: 91, rows: 31, env });
  t.after(() => terminal.kill("SIGKILL"));
  const screen = await new Promise<string>((resolve) => {
    let text = "";
    let wasResized = false;
    terminal.onData((data) => {
      text += data;
      if (text.includes("STATUS=")) resolve(text);
      if (wasResized || !text.includes("31 91\r\n")) return;
      wasResized = true;
      terminal.resize(70, 21);
    });
  });
  assert.match(screen, /21 70\r\n/);
  assert.match(screen, /STATUS=7/);
});
