import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import * as pty from "node-pty";
import { isClientCommand } from "../../src/cli/index.ts";
import { findProgram } from "../fixtures/programs.ts";
import { skipWithout } from "../fixtures/require.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

/** A folder with the files that a shell is to find, and with an `execgate` that lists a session, and targets by odd names. */
const dir = mkdtempSync(join(tmpdir(), "execgate-completion-"));
after(() => rmSync(dir, { recursive: true }));

const lists = `case "$*" in
  "sessions --state running") printf 'ID STATE\\n01JD running\\n' ;;
  targets) printf 'ID STATE\\nhost running\\ndocker:web running\\ncri:a/$(echo>%s/ran)/b x\\ncri:\`id\` x\\n' ${dir} ;;
  *) echo "asked for $*" >${dir}/ran ;;
esac`;

const scriptOf = async (shell: string): Promise<string> =>
  (await runToEnd(["completion", shell], createFakeTerminal("http://127.0.0.1:1"))).stdout;

before(async () => {
  mkdirSync(join(dir, "bin"));
  mkdirSync(join(dir, "work"));
  writeFileSync(join(dir, "bin/execgate"), `#!/bin/sh\n${lists}\n`);
  chmodSync(join(dir, "bin/execgate"), 0o755);
  writeFileSync(join(dir, "work/afile"), "");
  writeFileSync(join(dir, "bash"), `PS1='> '; bind 'set bell-style none'\n${await scriptOf("bash")}`);
  writeFileSync(join(dir, "_execgate"), await scriptOf("zsh"));
  writeFileSync(join(dir, ".zshrc"), `PS1='> '; fpath=(${dir} $fpath); autoload -Uz compinit; compinit -D -u; unsetopt beep\n`);
  writeFileSync(join(dir, "fish"), await scriptOf("fish"));
});

const env = {
  PATH: `${dir}/bin:/usr/bin:/bin`,
  HOME: dir,
  ZDOTDIR: dir,
  XDG_CONFIG_HOME: dir,
  XDG_DATA_HOME: dir,
  TERM: "dumb",
  LANG: "C.UTF-8",
};

/** What a shell makes of a line when Tab is pressed behind it: the line that stands there then. */
async function press(shell: "bash" | "zsh", line: string, expected: string): Promise<void> {
  const args = shell === "bash" ? ["--noprofile", "--rcfile", join(dir, "bash"), "-i"] : ["-i"];
  const terminal = pty.spawn(shell, args, { cols: 200, rows: 40, cwd: join(dir, "work"), env });
  let screen = "";
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${JSON.stringify(line)} became ${JSON.stringify(screen)}`)), 10_000);
      let isTyped = false;
      terminal.onData((data) => {
        screen += data;
        if (!isTyped && screen.includes("> ")) {
          isTyped = true;
          terminal.write(`${line}\t`);
        }
        if (!plain(screen).includes(expected)) return;
        clearTimeout(timer);
        resolve();
      });
    });
  } finally {
    terminal.kill("SIGKILL");
  }
}

/** Text without the sequences that move a cursor or ring a bell. */
const plain = (text: string): string => stripVTControlCharacters(text).replaceAll("\u0007", "");

/** What is offered for the last word of a line. */
const offers: Readonly<Record<"bash" | "fish", (line: string) => string[]>> = {
  bash(line) {
    const script = `. ${dir}/bash 2>/dev/null; COMP_LINE=$1; COMP_POINT=\${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _execgate; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return listed("bash", ["-c", script, "bash", line, ...line.split(" ")]);
  },
  fish: (line) =>
    listed("fish", ["--no-config", "-c", `source ${dir}/fish; complete -C '${line}'`]).map((offer) => offer.split("\t")[0] ?? ""),
};

function listed(shell: string, args: readonly string[]): string[] {
  const { stdout, stderr } = spawnSync(shell, args, { cwd: join(dir, "work"), env, encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout
    .split("\n")
    .filter((offer) => offer !== "")
    .sort();
}

const isThere = (shell: string): boolean => findProgram(shell) !== undefined;

for (const shell of ["bash", "fish"] as const) {
  describe(`completion in ${shell}`, { skip: skipWithout(shell, isThere(shell)) }, () => {
    const offer = offers[shell];

    test("knows the commands, and the flags of each where one is begun", () => {
      assert.deepEqual(offer("execgate ses"), ["sessions"]);
      assert.deepEqual(offer("execgate exec --ti"), ["--timeout"]);
      assert.deepEqual(offer("execgate serve --r"), ["--runtime"]);
      assert.deepEqual(offer("execgate policy "), ["afile", "check", "explain"]);
      const names = offer("execgate ").filter((name) => !["serve", "policy", "audit"].includes(name));
      assert.ok(names.length >= 12);
      assert.deepEqual(
        names.filter((name) => !isClientCommand(name)),
        [],
      );
    });

    test("offers files where a file belongs, and nowhere else", () => {
      for (const line of ["execgate cp ", "execgate sessions --token-file ", "execgate exec -- "])
        assert.deepEqual(offer(line), ["afile"], line);
      for (const line of ["execgate sessions ", "execgate probe ", "execgate kill "]) assert.ok(!offer(line).includes("afile"), line);
    });

    test("asks for sessions that run and for targets, and runs nothing of what a target is called", () => {
      assert.deepEqual(offer("execgate attach "), ["01JD"]);
      assert.deepEqual(offer("execgate exec "), ["docker:web", "host"]);
      assert.equal(spawnSync("ls", [join(dir, "ran")]).status, 2);
    });
  });
}

for (const shell of ["bash", "zsh"] as const) {
  test(`Tab in ${shell} completes a target, its colon too`, { skip: skipWithout(shell, isThere(shell)) }, async () => {
    await press(shell, "execgate exec doc", "execgate exec docker:web");
    await press(shell, "execgate exec docker:w", "execgate exec docker:web");
    await press(shell, "execgate exec --tty docker:w", "execgate exec --tty docker:web");
  });
}

test("Tab in zsh completes commands, flags, sessions and files", { skip: skipWithout("zsh", isThere("zsh")) }, async () => {
  await press("zsh", "execgate ses", "execgate sessions");
  await press("zsh", "execgate exec --ti", "execgate exec --timeout");
  await press("zsh", "execgate attach 0", "execgate attach 01JD");
  await press("zsh", "execgate cp af", "execgate cp afile");
  await press("zsh", "execgate exec -- af", "execgate exec -- afile");
  assert.equal(spawnSync("ls", [join(dir, "ran")]).status, 2);
});

test("another shell is told which ones there are", async () => {
  const { status, stderr } = await runToEnd(["completion", "csh"], createFakeTerminal("http://127.0.0.1:1"));
  assert.deepEqual([status, stderr], [255, "execgate: say execgate completion bash|zsh|fish\n"]);
});
