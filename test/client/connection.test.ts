import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { WebSocket as NodeWebSocket } from "ws";
import { type ConnectionHandlers, type ConnectOptions, connect } from "../../src/client/connection.ts";
import type { WebSocketLike } from "../../src/client/web-socket.ts";
import { attachedMessage, exitMessage } from "../fixtures/messages.ts";
import { FakeSocket } from "./fake-socket.ts";

const exit = exitMessage({ exitCode: 7 });

function open(handlers: Partial<ConnectionHandlers> = {}, options?: ConnectOptions) {
  const socket = new FakeSocket();
  const connection = connect({ socket }, { output: () => {}, ...handlers }, options);
  socket.open();
  return { socket, connection };
}

/** Lets every promise that can settle by itself do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("stdin on a connection", () => {
  test("waits for the credit that comes with attached", async () => {
    const { socket, connection } = open();
    const written = connection.write(Buffer.from("ls\n"));
    assert.equal(socket.stdin.length, 0);
    socket.say(attachedMessage());
    assert.equal(await written, true);
    assert.equal(socket.stdin.toString(), "ls\n");
  });

  test("never goes further than the window beyond what was accepted", async () => {
    const { socket, connection } = open();
    socket.say(attachedMessage({ stdinOffset: 1000, stdinWindow: 100 }));
    const bytes = Buffer.from(Array.from({ length: 350 }, (_, n) => n % 256));
    let done = false;
    const written = connection.write(bytes).then((sent) => {
      done = sent;
    });
    assert.equal(socket.stdin.length, 100);
    socket.say({ type: "accepted", bytes: 1060 });
    assert.equal(socket.stdin.length, 160);
    await settled();
    assert.equal(done, false);
    socket.say({ type: "accepted", bytes: 1160 });
    socket.say({ type: "accepted", bytes: 1260 });
    await written;
    assert.equal(done, true);
    assert.deepEqual(socket.stdin, bytes);
  });

  test("keeps its order, and its end comes behind it", async () => {
    const { socket, connection } = open();
    const all = Promise.all([connection.write(Buffer.from("a")), connection.write(Buffer.from("bc")), connection.eof()]);
    socket.say(attachedMessage({ stdinWindow: 2 }));
    assert.deepEqual(socket.control, []);
    socket.say({ type: "accepted", bytes: 1 });
    assert.deepEqual(await all, [true, true, true]);
    assert.equal(socket.stdin.toString(), "abc");
    assert.deepEqual(socket.control, [{ type: "eof" }]);
  });

  test("is cut into frames of 64 KiB", () => {
    const { socket, connection } = open();
    socket.say(attachedMessage());
    void connection.write(Buffer.alloc(100_000, 1));
    assert.deepEqual(
      socket.sent.map((frame) => frame.length),
      [65_537, 34_465],
    );
  });

  test("that cannot be sent any more says so", async () => {
    const { socket, connection } = open();
    const waiting = connection.write(Buffer.from("x"));
    socket.end(1006);
    assert.equal(await waiting, false);
    assert.equal(await connection.write(Buffer.from("y")), false);
    assert.equal(await connection.eof(), false);
  });

  test("gets credit while output waits for its reader", () => {
    const { socket, connection } = open({ output: () => new Promise(() => {}) });
    socket.say(attachedMessage({ stdinWindow: 1 }));
    socket.say({ type: "output", stream: "stdout", bytes: Buffer.from("x") });
    void connection.write(Buffer.from("ab"));
    socket.say({ type: "accepted", bytes: 1 });
    assert.equal(socket.stdin.toString(), "ab");
  });
});

describe("control messages of a connection", () => {
  test("are sent at once, and those from before the opening when it opens", () => {
    const socket = new FakeSocket();
    const connection = connect({ socket }, { output: () => {} });
    connection.resize(100, 40);
    assert.deepEqual(socket.control, []);
    socket.open();
    connection.signal("SIGINT");
    connection.ack(65_536);
    assert.deepEqual(socket.control, [
      { type: "resize", cols: 100, rows: 40 },
      { type: "signal", signal: "SIGINT" },
      { type: "ack", bytes: 65_536 },
    ]);
  });

  test("are dropped when it is over", () => {
    const { socket, connection } = open();
    socket.end(1006);
    connection.resize(1, 1);
    connection.detach();
    assert.deepEqual(socket.sent, []);
  });
});

describe("output of a connection", () => {
  test("arrives in order with everything else, bytes as they are", async () => {
    const seen: unknown[] = [];
    const { socket, connection } = open({
      attached: ({ session }) => void seen.push(session),
      output: ({ stream, bytes }) => void seen.push([stream, ...bytes]),
      gap: (from, to) => void seen.push({ from, to }),
      resized: (cols, rows) => void seen.push({ cols, rows }),
    });
    socket.say(attachedMessage());
    socket.say({ type: "gap", from: 0, to: 5 });
    socket.say({ type: "output", stream: "stdout", bytes: Uint8Array.of(0, 0xff, 0xc3) });
    socket.say({ type: "output", stream: "stderr", bytes: Uint8Array.of(13) });
    socket.say({ type: "resized", cols: 90, rows: 30 });
    socket.frame('{"type":"news from a later version"}');
    socket.say(exit);
    await connection.ended;
    assert.deepEqual(seen, ["01JD", { from: 0, to: 5 }, ["stdout", 0, 0xff, 0xc3], ["stderr", 13], { cols: 90, rows: 30 }]);
  });

  test("waits for the promise of the output before it, the transport being held meanwhile", async () => {
    const seen: string[] = [];
    const held: boolean[] = [];
    let release: () => void = () => {};
    const output: ConnectionHandlers["output"] = ({ bytes }) => {
      seen.push(Buffer.from(bytes).toString());
      if (seen.length === 1)
        return new Promise((resolve) => {
          release = resolve;
        });
    };
    const { socket, connection } = open({ output }, { hold: (on) => held.push(on) });
    for (const text of ["a", "b", "c"]) socket.say({ type: "output", stream: "stdout", bytes: Buffer.from(text) });
    socket.say(exit);
    socket.end(1000);
    await settled();
    assert.deepEqual([seen, held], [["a"], [true]]);
    release();
    assert.equal((await connection.ended).kind, "exit");
    await settled();
    assert.deepEqual(
      [seen, held],
      [
        ["a", "b", "c"],
        [true, false],
      ],
    );
  });

  test("whose handler throws or rejects ends the connection with that error", async () => {
    for (const output of [
      () => {
        throw new Error("full");
      },
      () => Promise.reject(new Error("full")),
    ]) {
      const { socket, connection } = open({ output });
      socket.say({ type: "output", stream: "stdout", bytes: Buffer.from("a") });
      await assert.rejects(connection.ended, /full/);
      assert.equal(socket.closedWith, 1000);
    }
  });
});

describe("the end of a connection", () => {
  test("is the command's exit", async () => {
    const { socket, connection } = open();
    socket.say(exit);
    socket.end(1000);
    assert.deepEqual(await connection.ended, { kind: "exit", exit });
  });

  test("is the server's error", async () => {
    const { socket, connection } = open();
    socket.say({ type: "error", code: "COMMAND_NOT_FOUND", message: "zzz is not there" });
    socket.end(4422);
    assert.deepEqual(await connection.ended, { kind: "error", code: "COMMAND_NOT_FOUND", message: "zzz is not there" });
  });

  test("is a loss, with its close code, when nothing was said", async () => {
    const { socket, connection } = open();
    socket.say(attachedMessage());
    socket.end(1001, "shutting down");
    assert.deepEqual(await connection.ended, { kind: "lost", closeCode: 1001, reason: "shutting down", opened: true });
  });

  test("tells a connection that was never let in", async () => {
    const socket = new FakeSocket();
    const connection = connect({ socket }, { output: () => {} });
    socket.end(1006);
    assert.deepEqual(await connection.ended, { kind: "lost", closeCode: 1006, reason: "", opened: false });
  });

  test("is one's own when one detached or closed", async () => {
    const left = open();
    left.connection.detach();
    assert.deepEqual(left.socket.control, [{ type: "detach" }]);
    left.socket.end(4409);
    assert.deepEqual(await left.connection.ended, { kind: "detached" });
    const closed = open();
    closed.connection.close();
    assert.equal(closed.socket.closedWith, 1000);
    closed.socket.end(1000);
    assert.deepEqual(await closed.connection.ended, { kind: "closed" });
  });

  test("is a loss too when the network went before the detach was answered", async () => {
    const { socket, connection } = open();
    connection.detach();
    socket.end(1006);
    assert.equal((await connection.ended).kind, "lost");
  });

  test("comes with 4400 for an answer that makes no sense", async () => {
    const { socket, connection } = open();
    socket.frame("{");
    const end = await connection.ended;
    assert.equal(end.kind === "lost" && end.closeCode, 4400);
    assert.equal(socket.closedWith, 4400);
  });
});

test("the browser's WebSocket and that of ws fit as they are", () => {
  const browser = (socket: WebSocket): WebSocketLike => socket;
  const node = (socket: NodeWebSocket): WebSocketLike => socket;
  assert.deepEqual([typeof browser, typeof node], ["function", "function"]);
});
