import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { givePage } from "../../../src/exec/pages.ts";
import { drain, readUntil, size } from "../../conformance/process.ts";
import { createHost, sh } from "./running.ts";

describe("the output of a command", { timeout: 20_000 }, () => {
  const host = createHost();

  test("is delivered up to the cut, and then incomplete, while somebody still writes", async () => {
    for (const tty of [undefined, size]) {
      const running = await host.start({ command: ["yes"], tty });
      await readUntil(running.output, "y");
      running.output.cut();
      const { stdout } = await drain(running.output);
      assert.ok(stdout.length <= 2 * 64 * 1024, `${stdout.length} bytes came after the cut`);
      assert.equal(running.output.complete, false);
      await running.terminate();
      await running.exit;
      running.release();
    }
  });

  test("that had all arrived at the cut is complete", async () => {
    const running = await host.start({ command: [...sh, "echo out; echo err >&2"] });
    await running.exit;
    running.output.cut();
    const { stdout, stderr } = await drain(running.output);
    assert.equal(`${stdout}${stderr}`, "out\nerr\n");
    assert.equal(running.output.complete, true);
    running.release();
  });

  test("of which nothing has arrived ends at the cut for who waits already", async () => {
    const running = await host.start({ command: ["sleep", "60"] });
    const next = running.output.next();
    running.output.cut();
    assert.equal(await next, undefined);
    await running.terminate();
    await running.exit;
    running.release();
  });

  test("is not complete when the process is released before its end", async () => {
    const running = await host.start({ command: [...sh, "sleep 60 & exit 0"] });
    await running.exit;
    const next = running.output.next();
    await running.terminate();
    running.release();
    assert.equal(await next, undefined);
  });

  test("without end lets the loop and the other stream have their turns", async () => {
    const running = await host.start({ command: [...sh, "yes & sleep 0.05; while echo err >&2; do :; done"] });
    let ended = false;
    const seen = new Set<string>();
    const reading = (async () => {
      for (let chunk = await running.output.next(); chunk; chunk = await running.output.next()) seen.add(chunk.stream);
      ended = true;
    })();
    while (seen.size < 2) await turn();
    assert.equal(ended, false);
    await running.terminate();
    await running.exit;
    await reading;
    running.release();
  });

  test("is read again into the page that was given back", async () => {
    const running = await host.start({ command: ["cat"], stdin: true });
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 20; i++) {
      await running.write(Buffer.from("tick"));
      const chunk = await running.output.next();
      assert.equal(chunk?.bytes.toString(), "tick");
      buffers.add(chunk.bytes.buffer);
      givePage(chunk.bytes);
    }
    assert.ok(buffers.size <= 2, `${buffers.size} pages`);
    await running.endInput();
    await running.exit;
    running.release();
  });

  test("is the receiver's own: later reads do not touch it", async () => {
    const running = await host.start({ command: [...sh, "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero | tr '\\0' x"] });
    const { stdout } = await drain(running.output);
    assert.ok(stdout.subarray(0, 3_000_000).every((byte) => byte === 0) && stdout.subarray(3_000_000).every((byte) => byte === 0x78));
    await running.exit;
    running.release();
  });

  test("of a terminal that a background process keeps open ends at the cut, with all that the command wrote", async () => {
    const running = await host.start({ command: [...sh, "trap '' HUP; sleep 60 & seq 1 2000"], tty: size });
    const draining = drain(running.output);
    assert.equal((await running.exit).code, 0);
    running.output.cut();
    assert.match((await draining).stdout.toString(), /1999\r\n2000\r\n$/);
    assert.equal(running.output.complete, false);
    await running.terminate();
    running.release();
  });
});
