import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { drain, readUntil, size } from "../../conformance/process.ts";
import { bestOf } from "../../fixtures/best-of.ts";
import { createHost, sh } from "./running.ts";

const flood = Buffer.alloc(4 * 1024 * 1024, "0123456789abcdef");

describe("input that nobody reads", { timeout: 30_000 }, () => {
  const host = createHost();

  for (const { name, tty } of [
    { name: "a pipe", tty: undefined },
    { name: "a terminal in raw mode", tty: size },
  ]) {
    test(`stays pending on ${name}, costs no time, and lets the loop go on`, async () => {
      const command = [...sh, "if [ -t 0 ]; then stty raw -echo; fi; echo ready; sleep 60"];
      const running = await host.start({ command, tty, stdin: true });
      await readUntil(running.output, "ready\n");
      let accepted = false;
      const writing = running.write(flood).then(() => {
        accepted = true;
      });
      const cpu = process.cpuUsage();
      const longest = await bestOf(100, () => longestTurn(300));
      const { user, system } = process.cpuUsage(cpu);
      assert.equal(accepted, false);
      assert.ok(longest < 100, `a turn of the loop took ${longest} ms`);
      assert.ok(user + system < 150_000, `waiting took ${user + system} µs of processor time`);
      await running.terminate();
      await running.exit;
      running.release();
      await writing;
    });

    test(`goes on, whole and in order, when it is read after all from ${name}`, async () => {
      const command = [...sh, `if [ -t 0 ]; then stty raw -echo; fi; echo ready; sleep 0.2; head -c ${flood.length} | md5sum`];
      const running = await host.start({ command, tty, stdin: true });
      await readUntil(running.output, "ready\n");
      await Promise.all([running.write(flood.subarray(0, 1_000_003)), running.write(flood.subarray(1_000_003))]);
      assert.match((await drain(running.output)).stdout.toString(), new RegExp(md5(flood)));
      assert.equal((await running.exit).code, 0);
      running.release();
    });
  }

  test("is dropped when the reader goes away while a write waits", async () => {
    const running = await host.start({ command: [...sh, "head -c 1 >/dev/null"], stdin: true });
    await running.write(flood);
    await running.endInput();
    assert.equal((await running.exit).code, 0);
    running.release();
  });

  test("of an empty write is accepted, and nothing follows the end", async () => {
    const running = await host.start({ command: ["cat"], stdin: true });
    await running.write(new Uint8Array(0));
    await running.endInput();
    await running.write(Buffer.from("late"));
    await running.endInput();
    assert.equal((await drain(running.output)).stdout.length, 0);
    await running.exit;
    running.release();
  });
});

async function longestTurn(forMs: number): Promise<number> {
  let longest = 0;
  let last = performance.now();
  for (const end = last + forMs; last < end; ) {
    await delay(5);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }
  return longest;
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
