import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { runClient } from "../../src/cli/index.ts";
import { type Conversation, startFakeGateway } from "./fake-gateway.ts";
import { createFakeTerminal } from "./fake-terminal.ts";

async function onTerminal(t: TestContext, serve: (conversation: Conversation) => void | Promise<void>) {
  const modes: boolean[] = [];
  const io = createFakeTerminal(await startFakeGateway(t, serve));
  Object.assign(io.stdin, { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) });
  Object.assign(io.stdout, { isTTY: true, columns: 100, rows: 30 });
  return { io, modes };
}

describe("exec -it on a terminal", () => {
  test("is raw while it runs, whatever the end is", async (t) => {
    const ends: ((conversation: Conversation) => void)[] = [
      ({ exit }) => exit({ exitCode: 3 }),
      ({ socket }) => socket.terminate(),
      ({ socket }) => socket.send("nonsense"),
    ];
    for (const end of ends) {
      const { io, modes } = await onTerminal(t, end);
      await runClient(["exec", "-it", "--keep", "0"], io);
      assert.deepEqual(modes, [true, false]);
      assert.deepEqual(io.signals.eventNames(), [], "nothing listens any more");
    }
  });

  test("is not raw without -t or without -i", async (t) => {
    for (const flag of ["-t", "-i"]) {
      const { io, modes } = await onTerminal(t, ({ exit }) => exit());
      await runClient(["exec", flag, "--", "x"], io);
      assert.deepEqual(modes, []);
    }
  });

  test("tells its size at first and each time that it changes", async (t) => {
    let first: (string | null)[] = [];
    const { io } = await onTerminal(t, async ({ query, say, hear, exit }) => {
      first = [query.get("cols"), query.get("rows")];
      say({ type: "output", stream: "stdout", bytes: Buffer.from("$") });
      assert.deepEqual(await hear(), { type: "resize", cols: 90, rows: 20 });
      exit();
    });
    io.stdout.once("data", () => {
      Object.assign(io.stdout, { columns: 90, rows: 20 });
      io.stdout.emit("resize");
    });
    assert.equal(await runClient(["exec", "-it"], io), 0);
    assert.deepEqual(first, ["100", "30"]);
  });
});

test("~. ends the client on a terminal and is nothing to a pipe", async (t) => {
  const { io, modes } = await onTerminal(t, () => {});
  io.stdin.write("~.");
  assert.equal(await runClient(["exec", "-it"], io), 255);
  assert.deepEqual(modes, [true, false]);
  const heard: unknown[] = [];
  const piped = createFakeTerminal(
    await startFakeGateway(t, async ({ hear, exit }) => {
      heard.push(await hear());
      exit();
    }),
  );
  piped.stdin.write("~.");
  assert.equal(await runClient(["exec", "-it"], piped), 0);
  assert.equal((heard as { bytes: Uint8Array }[]).map(({ bytes }) => Buffer.from(bytes).toString()).join(), "~.");
});

describe("signals to the client", () => {
  test("go to the command at first, and its end is awaited", async (t) => {
    const { io } = await onTerminal(t, async ({ say, hear, exit }) => {
      say({ type: "output", stream: "stdout", bytes: Buffer.from("up") });
      assert.deepEqual(await hear(), { type: "signal", signal: "SIGTERM" });
      exit({ exitCode: 143, signal: "SIGTERM" });
    });
    io.stdout.once("data", () => io.signals.emit("SIGTERM", "SIGTERM"));
    assert.equal(await runClient(["exec", "--", "x"], io), 143);
  });

  test("end the client when they come twice, and SIGHUP at once", async (t) => {
    for (const [names, status] of [
      [["SIGINT", "SIGINT"], 130],
      [["SIGHUP"], 129],
    ] as const) {
      const { io, modes } = await onTerminal(t, ({ say }) => say({ type: "output", stream: "stdout", bytes: Buffer.from("up") }));
      io.stdout.once("data", () => {
        for (const name of names) io.signals.emit(name, name);
      });
      assert.equal(await runClient(["exec", "-it"], io), status);
      assert.deepEqual(modes, [true, false]);
    }
  });
});
