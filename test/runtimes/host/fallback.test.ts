import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ExecSpec } from "../../../src/exec/runtime.ts";
import type { Account } from "../../../src/runtimes/host/account.ts";
import { startFallback } from "../../../src/runtimes/host/fallback.ts";
import { drain } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";

const account: Account = { name: "me", uid: 0, gid: 0, groups: [], home: "/", shell: "/bin/sh", changeUser: false };

function start(command: readonly string[], stdin = false) {
  const spec: ExecSpec = { command, env: {}, cwd: undefined, user: undefined, tty: undefined, stdin };
  return startFallback(account, spec, () => {});
}

describe("the fallback for development", { timeout: 10_000 }, () => {
  test("runs a command over pipes", async () => {
    const running = await start(["sh", "-c", "cat; echo err >&2; exit 3"], true);
    await running.write(Buffer.from("in"));
    await running.endInput();
    const { stdout, stderr } = await drain(running.output);
    assert.deepEqual([stdout.toString(), stderr.toString()], ["in", "err\n"]);
    assert.deepEqual(await running.exit, { code: 3, signal: null });
    assert.equal(running.output.complete, true);
    running.release();
  });

  test("ends a command and cuts its output", async () => {
    const running = await start(["sleep", "60"]);
    const next = running.output.next();
    running.output.cut();
    assert.equal(await next, undefined);
    assert.equal(running.output.complete, false);
    await running.terminate();
    assert.deepEqual(await running.exit, { code: 137, signal: "SIGKILL" });
    running.release();
  });

  test("tells a missing command, and that it has no terminals", async () => {
    await assert.rejects(start(["no-such-command"]), code("COMMAND_NOT_FOUND"));
    const tty = { cols: 80, rows: 24 };
    await assert.rejects(
      startFallback(account, { command: ["sh"], env: {}, cwd: undefined, user: undefined, tty, stdin: true }, () => {}),
      code("NOT_SUPPORTED"),
    );
  });
});
