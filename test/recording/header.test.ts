import assert from "node:assert/strict";
import { test } from "node:test";
import { headerLine, readHeader } from "../../src/recording/header.ts";
import { createSession } from "../fixtures/session.ts";

test("what policy asks for is read as it was written, labels too; those of a file without any are not known", () => {
  const target = { id: "docker:web", runtime: "docker", name: "web", immutableId: "4f66", state: "running", labels: { tier: "front" } };
  const { session } = createSession({ request: { target }, spec: { command: ["ls", "-l"], env: { A: "secret" }, user: "app" } });
  const line = headerLine(session, 1000);
  assert.ok(!line.includes("secret"));
  const read = readHeader(line)?.request;
  assert.deepEqual(read?.target, { ...target, state: "unknown" });
  assert.deepEqual([read?.spec.command, read?.spec.env, read?.spec.user], [["ls", "-l"], { A: "" }, "app"]);
  const { execgate, ...header } = JSON.parse(line);
  const older = JSON.stringify({ ...header, execgate: { ...execgate, target: { ...execgate.target, labels: undefined } } });
  assert.equal(readHeader(older)?.request.target.labels, undefined);
});
