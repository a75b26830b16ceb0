import assert from "node:assert/strict";
import { test } from "node:test";
import { isClientCommand } from "../../src/cli/index.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

const run = (...argv: string[]) => runToEnd(argv, createFakeTerminal("http://127.0.0.1:1"));

test("help is printed when it is asked for, and when nothing is", async () => {
  for (const argv of [[], ["help"], ["--help"], ["-h"], ["exec", "--help"], ["serve", "--help"]]) {
    const { status, stdout } = await run(...argv);
    assert.equal(status, 0);
    assert.match(stdout, /execgate exec \[-i\] \[-t\]/);
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
