import assert from "node:assert/strict";
import { test } from "node:test";
import { commandNames, flagsOf } from "../../src/cli/help.ts";
import { isClientCommand } from "../../src/cli/index.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

const run = (...argv: string[]) => runToEnd(argv, createFakeTerminal("http://127.0.0.1:1"));

test("help is printed when it is asked for, and when nothing is", async () => {
  for (const argv of [[], ["help"], ["--help"], ["-h"]]) {
    const { status, stdout } = await run(...argv);
    assert.equal(status, 0);
    assert.match(stdout, /execgate exec \[-i\] \[-t\]/);
  }
});

test("the help of one command is no longer than a screen, and about that command", async () => {
  for (const argv of [
    ["exec", "--help"],
    ["exec", "-h"],
    ["help", "exec"],
  ]) {
    const { status, stdout } = await run(...argv);
    assert.equal(status, 0);
    assert.match(stdout, /^execgate exec \[-i\] \[-t\]/);
    assert.doesNotMatch(stdout, /execgate serve/);
  }
  for (const name of commandNames) {
    const { stdout } = await run("help", name);
    assert.ok(stdout.startsWith(`execgate ${name}`) && stdout.split("\n").length <= 24, name);
  }
  const { status, stderr } = await run("help", "nope");
  assert.deepEqual([status, stderr], [255, "execgate: there is no command nope; execgate help lists them\n"]);
});

test("every flag that the help of a command names is one that it takes", async () => {
  const asked = commandNames.filter((name) => isClientCommand(name) && flagsOf(name).length > 0);
  assert.ok(asked.length >= 9);
  for (const name of asked) {
    for (const flag of flagsOf(name)) assert.doesNotMatch((await run(name, flag, "x")).stderr, /Unknown option/, `${name} ${flag}`);
  }
});

test("the version is that of the package", async () => {
  assert.match((await run("version")).stdout, /^execgate \d+\.\d+\.\d+\n$/);
  assert.match((await run("--version")).stdout, /^execgate \d/);
});

test("an unknown command and a bad flag are one line on stderr and 255", async () => {
  for (const argv of [
    ["nope"],
    ["constructor"],
    ["exec", "--nope"],
    ["exec", "--timeout", "-1s"],
    ["sessions", "x"],
    ["targets", "x"],
    ["exec", "--server", "x", "--", "id"],
  ]) {
    const { status, stdout, stderr } = await run(...argv);
    assert.deepEqual([status, stdout], [255, ""]);
    assert.match(stderr, /^execgate: [^\n]+\n$/);
  }
});

test("the gateway's own commands are none of the client's", () => {
  assert.ok(isClientCommand("exec") && isClientCommand("--help"));
  assert.ok(!isClientCommand("serve") && !isClientCommand("toString"));
});
