import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { runClient } from "../../src/cli/index.ts";
import type { ServerMessage } from "../../src/wire/codec.ts";
import { type Conversation, startFakeGateway, stdinWindow } from "./fake-gateway.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

/** Runs `exec` with `args` against a gateway that does what `serve` does. */
async function runExec(
  t: TestContext,
  args: string[],
  serve: (conversation: Conversation) => void | Promise<void>,
  input?: string | Buffer,
) {
  return runToEnd(["exec", ...args], createFakeTerminal(await startFakeGateway(t, serve)), input);
}

describe("the exit status of exec", () => {
  const endings: [string, Partial<Extract<ServerMessage, { type: "exit" }>>, number, RegExp][] = [
    ["is the command's own", { exitCode: 7 }, 7, /^$/],
    ["is 128 + n for a signal", { exitCode: 137, signal: "SIGKILL" }, 137, /^$/],
    ["is 124 for a timeout", { outcome: "timeout", exitCode: null }, 124, /^execgate: .*timeout\n$/],
    ["is 137 for a command that was killed", { outcome: "killed", exitCode: null, endedBy: "operator" }, 137, /^execgate: .*operator\n$/],
    ["is 255 for a command that was lost", { outcome: "lost", exitCode: null }, 255, /^execgate: .*lost.*\n$/],
  ];
  for (const [title, fields, status, stderr] of endings) {
    test(title, async (t) => {
      const result = await runExec(t, ["--", "x"], ({ exit }) => exit(fields));
      assert.equal(result.status, status);
      assert.match(result.stderr, stderr);
    });
  }

  test("is 255 for a command that was not started, and the code is told", async (t) => {
    const result = await runExec(t, ["--", "x"], ({ say, socket }) => {
      say({ type: "error", code: "COMMAND_NOT_FOUND", message: "x is not in the PATH." });
      socket.close(4422);
    });
    assert.deepEqual(result, { status: 255, stdout: "", stderr: "execgate: COMMAND_NOT_FOUND: x is not in the PATH.\n" });
  });

  test("is 255 for a connection that broke", async (t) => {
    const result = await runExec(t, ["--", "x"], ({ socket }) => socket.terminate());
    assert.equal(result.status, 255);
    assert.match(result.stderr, /^execgate: the connection was lost: .*\n$/);
  });
});

describe("a refusal before the upgrade", () => {
  test("is told by its code and detail", async (t) => {
    const body = JSON.stringify({ type: "about:blank", title: "no", status: 403, code: "FORBIDDEN", detail: "Not this one." });
    const url = await startFakeGateway(t, () => {}, { refusal: { status: 403, body } });
    assert.deepEqual(await runToEnd(["exec", "--", "x"], createFakeTerminal(url)), {
      status: 255,
      stdout: "",
      stderr: "execgate: FORBIDDEN: Not this one.\n",
    });
  });

  test("is told by its status when something else than a gateway answered", async (t) => {
    const url = await startFakeGateway(t, () => {}, { refusal: { status: 502, body: "<html>" } });
    const { status, stderr } = await runToEnd(["exec", "--", "x"], createFakeTerminal(url));
    assert.deepEqual([status, stderr], [255, "execgate: the server answered 502 Refused\n"]);
  });

  test("is told from a server that is not there", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const { status, stderr } = await runToEnd(["exec", "--", "x"], createFakeTerminal(`http://127.0.0.1:${port}`));
    assert.equal(status, 255);
    assert.match(stderr, /^execgate: cannot reach http:\/\/127\.0\.0\.1:\d+: .+\n$/);
  });
});

describe("what exec sends", () => {
  test("is the token and the request, each byte of it as it was typed", async (t) => {
    let seen: Conversation | undefined;
    await runExec(t, ["--", "printf", "a b+c%&é"], (conversation) => {
      seen = conversation;
      conversation.exit();
    });
    assert.equal(seen?.request.headers.authorization, "Bearer secret");
    assert.equal(seen?.request.headers["sec-websocket-protocol"], "v1.execgate");
    assert.equal(seen?.request.headers["sec-websocket-extensions"], undefined);
    assert.deepEqual(seen?.query.getAll("command"), ["printf", "a b+c%&é"]);
    assert.ok(!seen?.request.url?.includes("+"));
  });

  test("is stdin and its end, and output goes on behind it", async (t) => {
    const result = await runExec(
      t,
      ["-i", "--", "cat"],
      async ({ hear, say, exit }) => {
        for (let message = await hear(); message?.type === "stdin"; message = await hear())
          say({ type: "output", stream: "stdout", bytes: message.bytes });
        say({ type: "output", stream: "stderr", bytes: Buffer.from("done\n") });
        exit();
      },
      "hello\n",
    );
    assert.deepEqual(result, { status: 0, stdout: "hello\n", stderr: "done\n" });
  });

  test("stays within the server's window of stdin", async (t) => {
    let sent = 0;
    const result = await runExec(
      t,
      ["-i", "--", "cat"],
      async ({ hear, say, exit }) => {
        let accepted = 0;
        for (let message = await hear(); message?.type === "stdin"; message = await hear()) {
          sent += message.bytes.byteLength;
          assert.ok(sent - accepted <= stdinWindow);
          if (sent - accepted < stdinWindow) continue;
          accepted = sent;
          say({ type: "accepted", bytes: accepted });
        }
        exit();
      },
      Buffer.alloc(1_000_000, 7),
    );
    assert.equal(result.status, 0);
    assert.equal(sent, 1_000_000);
  });

  test("is no stdin without -i", async (t) => {
    const result = await runExec(t, ["--", "x"], ({ query, exit }) => exit({ exitCode: query.get("stdin") === "0" ? 0 : 1 }), "unread");
    assert.equal(result.status, 0);
  });
});

describe("the output of exec", () => {
  test("is acknowledged as it is written, and never before", async (t) => {
    const piece = Buffer.alloc(32_768, 1);
    const url = await startFakeGateway(t, async ({ say, hear, exit }) => {
      for (let bytes = 0; bytes < 20 * piece.byteLength; bytes += piece.byteLength) {
        say({ type: "output", stream: "stdout", bytes: piece });
        assert.deepEqual(await hear(), { type: "ack", bytes: bytes + piece.byteLength });
      }
      exit();
    });
    const io = createFakeTerminal(url);
    const { status, stdout } = await runToEnd(["exec", "--", "yes"], io);
    assert.deepEqual([status, stdout.length], [0, 20 * piece.byteLength]);
  });

  test("is awaited by a slow reader's side before more is taken", async (t) => {
    let acknowledged = 0;
    const url = await startFakeGateway(t, async ({ say, hear, exit }) => {
      say({ type: "output", stream: "stdout", bytes: Buffer.alloc(65_536) });
      const message = await hear();
      acknowledged = message?.type === "ack" ? message.bytes : -1;
      exit();
    });
    const io = createFakeTerminal(url);
    const ended = runClient(["exec", "--", "yes"], io);
    await once(io.stdout, "readable");
    assert.equal(acknowledged, 0, "nothing is acknowledged that nobody took");
    io.stdout.resume();
    assert.equal(await ended, 0);
    assert.equal(acknowledged, 65_536);
  });

  test("that nobody reads any more ends the client with 141 and no word", async (t) => {
    const url = await startFakeGateway(t, async ({ say, hear }) => {
      say({ type: "output", stream: "stdout", bytes: Buffer.from("x") });
      while ((await hear()) !== undefined) say({ type: "output", stream: "stdout", bytes: Buffer.from("x") });
    });
    const io = createFakeTerminal(url);
    io.stdout.once("data", () => {
      io.stdout.destroy(Object.assign(new Error("broken"), { code: "EPIPE" }));
      io.signals.emit("SIGINT", "SIGINT");
    });
    assert.equal(await runClient(["exec", "--", "yes"], io), 141);
    assert.equal(io.stderr.read(), null);
  });

  test("that is lost is told", async (t) => {
    const result = await runExec(t, ["--", "x"], ({ say, exit }) => {
      say({ type: "gap", from: 3, to: 9 });
      exit();
    });
    assert.deepEqual(result, { status: 0, stdout: "", stderr: "execgate: output bytes 3 to 9 are lost\n" });
  });
});
