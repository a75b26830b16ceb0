import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import type { ExecSpec } from "../../../src/exec/runtime.ts";
import { type InsideProcess, killCommand, signalCommand } from "../../../src/runtimes/container/inside.ts";
import { gateCommand, gateWord, readGate, turnAway } from "../../../src/runtimes/kubernetes/gate.ts";
import { marker, processesWith, until } from "../../conformance/process.ts";
import { anyCharacter } from "../../fixtures/any-character.ts";
import { runIn, shellsFound } from "../../fixtures/shells.ts";

const cookie = "00112233445566778899aabbccddeeff";
const plain: ExecSpec = { command: [], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };

for (const { name, path } of shellsFound()) {
  describe(`the gate in ${name}`, () => {
    after(() => rmSync(path, { recursive: true }));

    const pass = (spec: Partial<ExecSpec>, input = "") => {
      const whole = { ...plain, ...spec };
      const word = Buffer.concat([gateWord(whole), Buffer.from(input)]);
      const passed = readGate(cookie, runIn(path, gateCommand(cookie, whole.command), word));
      assert.ok(passed !== undefined);
      return passed;
    };

    it("says where it stands and becomes the command, whose input begins behind the word", () => {
      const { said, rest } = pass({ command: ["cat"], stdin: true }, "abc\n\\n e");
      assert.equal(said.verdict, "ready");
      assert.ok(said.process.pid > 1);
      assert.ok(said.process.startedTicks > 0);
      assert.ok(said.process.initTicks > 0);
      assert.equal(rest.toString(), "abc\n\\n e");
    });

    it("gives no input to a command that is to have none", () => {
      assert.equal(pass({ command: ["cat"] }, "not for it").rest.toString(), "");
    });

    it("passes every value of env as it is", () => {
      const value = fc.oneof(
        fc.string({ unit: anyCharacter, maxLength: 40 }),
        fc.string({ unit: fc.constantFrom("\\", "\n", "%", "'", '"', "$", "0") }),
      );
      const clean = value.map((text) => text.replaceAll("\0", "").toWellFormed());
      fc.assert(
        fc.property(fc.array(clean, { minLength: 1, maxLength: 4 }), (values) => {
          const env = Object.fromEntries(values.map((text, index) => [`V${index}`, text]));
          const { rest } = pass({ command: ["env", "-0"], env });
          const seen = new Map(
            rest
              .toString()
              .split("\0")
              .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
          );
          for (const [key, text] of Object.entries(env)) assert.equal(seen.get(key), text);
        }),
        { numRuns: 20 },
      );
    });

    it("passes a value that is longer than a line of a terminal", () => {
      const long = "é\\\n".repeat(4000);
      assert.equal(pass({ command: ["printenv", "LONG"], env: { LONG: long } }).rest.toString(), `${long}\n`);
    });

    it("looks the command up in the container's own PATH, whatever PATH it is to have", () => {
      assert.equal(pass({ command: ["printenv", "PATH"], env: { PATH: "/nowhere" } }).rest.toString(), "/nowhere\n");
      assert.equal(pass({ command: ["no-such-command"] }).said.verdict, "missing");
      assert.equal(pass({ command: ["/no/such/command"] }).said.verdict, "missing");
      assert.equal(pass({ command: [""] }).said.verdict, "missing");
      assert.equal(pass({ command: ["/etc/passwd"] }).said.verdict, "denied");
      assert.equal(pass({ command: ["/etc"] }).said.verdict, "denied");
    });

    it("enters the working directory, or says that it cannot", () => {
      assert.equal(pass({ command: ["pwd"], cwd: "/usr/bin" }).rest.toString(), "/usr/bin\n");
      assert.equal(pass({ command: ["pwd"], cwd: "/nowhere" }).said.verdict, "cwd");
    });

    it("takes arguments for nothing but arguments", () => {
      const command = ["printf", "%s|", "$HOME", "`id`", "a b", "", "*", "-n", "é"];
      assert.equal(pass({ command }).rest.toString(), "$HOME|`id`|a b||*|-n|é|");
    });

    it("opens a shell when no command is named", () => {
      assert.match(pass({ stdin: true }, "echo $((6 * 7))\n").rest.toString(), /42\n$/);
    });

    it("starts nothing when it is turned away, or its input ends", () => {
      assert.equal(runIn(path, gateCommand(cookie, ["echo", "no"]), turnAway).length, 0);
      assert.equal(runIn(path, gateCommand(cookie, ["echo", "no"]), Buffer.from("eA=b\n")).length, 0);
    });

    it("reaches the command and all that it brought forth", async () => {
      const mark = marker();
      const script = `sleep ${mark} & setsid sleep ${mark} & (setsid sleep ${mark} &) ; (sleep ${mark} &); sleep ${mark}`;
      await using running = await startGated(path, ["sh", "-c", script]);
      await until(async () => (await processesWith(mark)).length === 5);
      const said = runIn(path, killCommand(running.process), Buffer.alloc(0)).toString();
      assert.match(said, /^(gone|unseen)\n$/);
      await until(async () => (await processesWith(mark)).length === 0);
    });

    it("finds the command by its cookie alone, and a gate that waits", async () => {
      const mark = marker();
      await using running = await startGated(path, ["sleep", mark]);
      const unknown = { ...running.process, pid: 0, startedTicks: 0, initTicks: 0 };
      assert.equal(runIn(path, killCommand(unknown), Buffer.alloc(0)).toString(), "unseen\n");
      await until(async () => (await processesWith(mark)).length === 0);
      const gate = spawn(join(path, "sh"), gateCommand(cookie, ["sleep", mark]).slice(1), { detached: true });
      await until(async () => (await processesWith(mark)).length === 1);
      runIn(path, killCommand(unknown), Buffer.alloc(0));
      await once(gate, "close");
    });

    it("leaves others alone: of another start, another container, another cookie", async () => {
      const mark = marker();
      await using running = await startGated(path, ["sh", "-c", `sleep ${mark}; :`]);
      await until(async () => (await processesWith(mark)).length === 1);
      const { process } = running;
      const strange = { ...process, cookie: cookie.replace("00", "ff") };
      runIn(path, killCommand({ ...strange, startedTicks: process.startedTicks - 1 }), Buffer.alloc(0));
      runIn(path, signalCommand({ ...process, startedTicks: process.startedTicks - 1 }, "SIGKILL", false), Buffer.alloc(0));
      assert.equal(runIn(path, killCommand({ ...process, initTicks: process.initTicks + 1 }), Buffer.alloc(0)).toString(), "gone\n");
      assert.equal((await processesWith(mark)).length, 1);
    });

    it("sends a signal to the command's group", async () => {
      await using running = await startGated(path, ["sh", "-c", "trap 'exit 5' HUP; echo trapped; while :; do sleep 0.02; done"]);
      await running.said("trapped\n");
      runIn(path, signalCommand(running.process, "SIGHUP", false), Buffer.alloc(0));
      const [code] = await once(running.child, "exit");
      assert.equal(code, 5);
    });
  });
}

/** A command behind the gate that goes on, the leader of a session as in a container. */
async function startGated(path: string, command: readonly string[]) {
  const child: ChildProcess = spawn(join(path, "sh"), gateCommand(cookie, command).slice(1), {
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH: `${path}:/usr/bin:/bin` },
  });
  let seen = Buffer.alloc(0);
  child.stdout?.on("data", (bytes: Buffer) => {
    seen = Buffer.concat([seen, bytes]);
  });
  child.stdin?.write(gateWord({ ...plain, command, stdin: true }));
  await until(() => readGate(cookie, seen) !== undefined);
  const process = readGate(cookie, seen)?.said.process as InsideProcess;
  return {
    child,
    process,
    said: (text: string) => until(() => seen.includes(text)),
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        globalThis.process.kill(-child.pid, "SIGKILL");
        await once(child, "close");
      }
    },
  };
}
