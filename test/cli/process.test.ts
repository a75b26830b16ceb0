import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as pty from "node-pty";
import { type Conversation, startFakeGateway } from "./fake-gateway.ts";

const program = fileURLToPath(new URL("./client-process.js", import.meta.url));

function environment(url: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "", EXECGATE_SERVER: url, EXECGATE_TOKEN: "secret", PROGRAM: program, NODE: process.execPath };
}

/** Starts the client on pipes against a gateway that does what `serve` does. */
async function start(t: TestContext, args: string[], serve: (conversation: Conversation) => void | Promise<void>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, "exec", ...args], { env: environment(await startFakeGateway(t, serve)), stdio: "pipe" });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function echo({ hear, say, exit }: Conversation): Promise<void> {
  let accepted = 0;
  for (let message = await hear(); message !== undefined && message.type !== "eof"; message = await hear()) {
    if (message.type !== "stdin") continue;
    accepted += message.bytes.byteLength;
    say({ type: "output", stream: "stdout", bytes: message.bytes });
    say({ type: "accepted", bytes: accepted });
  }
  exit({ exitCode: 7 });
}

describe("the client as a program on pipes", () => {
  test("carries 8 MB of random bytes there and back and exits with the command's code", async (t) => {
    const child = await start(t, ["-i", "--", "cat"], echo);
    const sent = randomBytes(8_000_000);
    child.stdin?.end(sent);
    const hash = createHash("sha256");
    child.stdout?.on("data", (chunk: Buffer) => hash.update(chunk));
    const [status] = await once(child, "close");
    assert.equal(status, 7);
    assert.equal(hash.digest("hex"), createHash("sha256").update(sent).digest("hex"));
  });

  test("answers pings while nobody reads its output", async (t) => {
    const gateway = new EventEmitter();
    const answered = once(gateway, "answered");
    const child = await start(t, ["--", "yes"], async ({ say, socket, exit }) => {
      // More than a pipe holds, so that the client has to wait for its reader.
      for (let piece = 0; piece < 8; piece++) say({ type: "output", stream: "stdout", bytes: Buffer.alloc(65_536) });
      socket.ping();
      await once(socket, "pong");
      gateway.emit("answered");
      exit();
    });
    await answered;
    let bytes = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.equal(bytes, 8 * 65_536);
  });

  test("ends with 141 when its reader goes", async (t) => {
    const child = await start(t, ["--", "yes"], async ({ say, hear }) => {
      do say({ type: "output", stream: "stdout", bytes: Buffer.alloc(65_536) });
      while ((await hear()) !== undefined);
    });
    child.stdout?.once("data", () => child.stdout?.destroy());
    assert.deepEqual(await once(child, "exit"), [141, null]);
  });

  test("ends with 141 and no word when nobody reads what any other command says", async (t) => {
    for (const args of [["help"], ["completion", "bash"], ["token", "new", "ci"]]) {
      const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
      t.after(() => child.kill("SIGKILL"));
      child.stdout.destroy();
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk;
      });
      assert.deepEqual(await once(child, "close"), [141, null], args.join(" "));
      assert.doesNotMatch(stderr, /EPIPE/);
    }
  });

  test("says that what it writes is not written, by 255", () => {
    const { status, stderr } = spawnSync("sh", ["-c", '"$NODE" "$PROGRAM" help >/dev/full'], { env: environment(""), encoding: "utf8" });
    assert.deepEqual([status, stderr], [255, "execgate: cannot write the output: ENOSPC: no space left on device, write\n"]);
  });

  test("refuses an argument that Node would change", () => {
    const script = '"$NODE" "$PROGRAM" exec -- rm "$(printf "caf\\351")"';
    const { status, stderr } = spawnSync("sh", ["-c", script], { env: environment("http://127.0.0.1:1"), encoding: "utf8" });
    assert.deepEqual([status, stderr], [255, "execgate: an argument is no UTF-8, and would not arrive as it is\n"]);
  });

  test("ends with the command although its own stdin is still open", async (t) => {
    const child = await start(t, ["-i", "--", "true"], ({ exit }) => exit());
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });

  test("passes SIGTERM on, and the command's end is its own", async (t) => {
    const child = await start(t, ["--", "x"], async ({ say, hear, exit }) => {
      say({ type: "output", stream: "stdout", bytes: Buffer.from("up") });
      assert.deepEqual(await hear(), { type: "signal", signal: "SIGTERM" });
      exit({ exitCode: 143, signal: "SIGTERM" });
    });
    child.stdout?.once("data", () => child.kill("SIGTERM"));
    assert.deepEqual(await once(child, "exit"), [143, null]);
  });
});

/** Waits for text on a terminal, behind what was waited for before. */
function createReader(terminal: pty.IPty) {
  let screen = "";
  let seen = 0;
  let look = (): void => undefined;
  terminal.onData((data) => {
    screen += data;
    look();
  });
  return {
    screen: () => screen,
    until: (text: string) =>
      new Promise<void>((found, missed) => {
        const timer = setTimeout(() => missed(new Error(`${text} did not come behind ${JSON.stringify(screen)}`)), 10_000);
        look = () => {
          const at = screen.indexOf(text, seen);
          if (at < 0) return;
          clearTimeout(timer);
          seen = at + text.length;
          found();
        };
        look();
      }),
  };
}

describe("the client as a program on a terminal", () => {
  test("is raw, follows the terminal's size and leaves the terminal as it was", async (t) => {
    const heard: unknown[] = [];
    const url = await startFakeGateway(t, async ({ query, say, hear, exit }) => {
      heard.push([query.get("cols"), query.get("rows")]);
      say({ type: "output", stream: "stdout", bytes: Buffer.from("READY") });
      const keys = await hear();
      heard.push(keys?.type === "stdin" && Array.from(keys.bytes));
      say({ type: "output", stream: "stdout", bytes: Buffer.from("down\nRESIZE") });
      heard.push(await hear());
      exit({ exitCode: 7 });
    });
    // The shell stays until it is answered, because the end of a terminal can cost its last output.
    const script = '"$NODE" "$PROGRAM" exec -it; echo "STATUS=$?"; stty -a; echo END; read -r answer';
    const terminal = pty.spawn("sh", ["-c", script], { cols: 91, rows: 31, env: environment(url) });
    t.after(() => terminal.kill("SIGKILL"));
    const { until, screen } = createReader(terminal);
    await until("READY");
    // ^C, ^S and a carriage return reach the command as the bytes that they are.
    terminal.write("\x03\x13\r");
    await until("RESIZE");
    terminal.resize(70, 21);
    await until("END");
    assert.deepEqual(heard, [["91", "31"], [3, 19, 13], { type: "resize", cols: 70, rows: 21 }]);
    assert.match(screen(), /down\nRESIZE/, "a newline is what the command wrote and nothing else");
    assert.match(screen(), /STATUS=7/);
    assert.match(screen(), /[^-]opost/);
    assert.match(screen(), /[^-]icanon/);
    assert.match(screen(), /[^-]echo /);
  });

  test("that was suspended and goes on is raw again, and follows a size that changed meanwhile", async (t) => {
    const heard: unknown[] = [];
    const url = await startFakeGateway(t, async ({ say, hear, exit }) => {
      say({ type: "output", stream: "stdout", bytes: Buffer.from("READY") });
      for (let i = 0; i < 3; i++) {
        const message = await hear();
        heard.push(message?.type === "stdin" ? Array.from(message.bytes) : message);
        if (message?.type === "resize") say({ type: "output", stream: "stdout", bytes: Buffer.from("RESIZED") });
      }
      exit({ exitCode: 7 });
    });
    // Of job control, which ends with its terminal, bash is the shell.
    const terminal = pty.spawn("bash", ["--norc", "--noediting", "-i"], {
      cols: 91,
      rows: 31,
      env: { ...environment(url), PS1: "", HISTFILE: "" },
    });
    t.after(() => terminal.kill("SIGKILL"));
    const { until } = createReader(terminal);
    terminal.write('"$NODE" "$PROGRAM" exec -it\r');
    await until("READY");
    terminal.write("\r~\x1a");
    await until("Stopped");
    terminal.resize(70, 21);
    terminal.write('stty -a; echo "of-$((6 * 7))"\r');
    await until("of-42");
    terminal.write('fg; echo "STATUS=$?"\r');
    await until("RESIZED");
    terminal.write("\x03");
    await until("STATUS=7");
    assert.deepEqual(heard, [[13], { type: "resize", cols: 70, rows: 21 }, [3]]);
  });
});
