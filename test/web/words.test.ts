import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionEnd } from "../../src/client/connection-end.ts";
import { describeCommand, describeEnd, describeUnavailable } from "../../src/web/words.ts";
import type { ExitMessage } from "../../src/wire/codec.ts";
import { exitMessage } from "../fixtures/messages.ts";

function exit(fields: Partial<ExitMessage>): ConnectionEnd {
  return { kind: "exit", exit: exitMessage(fields) };
}

function lost(closeCode: number): ConnectionEnd {
  return { kind: "lost", closeCode, reason: "", opened: true };
}

test("every end of a session has its words", () => {
  const rows: readonly (readonly [ConnectionEnd, string])[] = [
    [exit({ exitCode: 7 }), "exited with code 7"],
    [exit({ exitCode: 137, signal: "SIGKILL" }), "ended by SIGKILL (code 137)"],
    [exit({ outcome: "timeout", exitCode: null }), "ended: timeout"],
    [exit({ outcome: "killed", exitCode: null, endedBy: "operator" }), "ended: by an operator"],
    [exit({ outcome: "lost", exitCode: null }), "the target went away; how the command ended is not known"],
    [{ kind: "error", code: "COMMAND_NOT_FOUND", message: "there is no sh" }, "failed: there is no sh (COMMAND_NOT_FOUND)"],
    [lost(1006), "the connection was lost"],
    [lost(1001), "the gateway is shutting down"],
    [lost(4401), "the token or the link has ended or was revoked"],
  ];
  for (const [end, words] of rows) assert.equal(describeEnd(end), words);
});

test("a command is told in a line, however long it is", () => {
  assert.equal(describeCommand([]), "login shell");
  assert.equal(describeCommand(["sh", "-c", "echo hi"]), "sh -c echo hi");
  assert.equal(describeCommand(["x".repeat(100_000)]), `${"x".repeat(200)}…`);
});

test("runtimes that cannot be asked are named", () => {
  assert.equal(describeUnavailable(["docker", "edge1"]), "docker, edge1 cannot be asked: what is there is not listed.");
});
