import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ExecSpec } from "../../../src/exec/runtime.ts";
import { isPowerful, specOf, toExecProcess } from "../../../src/runtimes/containerd/process-spec.ts";

const plain: ExecSpec = { command: ["true"], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };
const mark = 2 ** 51 + 7;

function run(own: object, spec: Partial<ExecSpec> = {}, user?: { uid: number; gid: number }) {
  const { value } = toExecProcess(own, { args: ["true"], spec: { ...plain, ...spec }, user, mark });
  const text = value.toString();
  return { text, process: JSON.parse(text) };
}

describe("the process of an exec", () => {
  test("is the container's own with the command in its place", () => {
    const own = { user: { uid: 5, gid: 6 }, cwd: "/srv", args: ["sleep"], apparmorProfile: "cri", noNewPrivileges: true, env: ["A=1"] };
    const { process } = run(own);
    assert.deepEqual({ ...process, rlimits: undefined }, { ...own, args: ["true"], terminal: false, rlimits: undefined });
  });

  test("adds to the environment, and has a TERM on a terminal unless it is given", () => {
    const own = { env: ["A=1", "B=x=y", "TERM=dumb"] };
    assert.deepEqual(run(own, { env: { A: "2", C: "" } }).process.env, ["B=x=y", "TERM=dumb", "A=2", "C="]);
    const tty = { cols: 132, rows: 50 };
    const { process } = run(own, { tty });
    assert.deepEqual(process.env, ["A=1", "B=x=y", "TERM=xterm-256color"]);
    assert.deepEqual(process.consoleSize, { width: 132, height: 50 });
    assert.equal(process.terminal, true);
    assert.deepEqual(run(own, { tty, env: { TERM: "vt100" } }).process.env, ["A=1", "B=x=y", "TERM=vt100"]);
  });

  test("carries the mark beside the container's own limits, whose numbers stay what they were", () => {
    const unlimited = "18446744073709551615";
    const own = JSON.parse(
      `{"rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":${unlimited}},{"type":"RLIMIT_RTTIME","soft":5,"hard":${unlimited}}]}`,
    );
    const { text, process } = run(own);
    assert.ok(text.includes(`{"type":"RLIMIT_CORE","soft":0,"hard":${unlimited}}`), text);
    assert.deepEqual(process.rlimits[1], { type: "RLIMIT_RTTIME", soft: 5, hard: mark });
    assert.equal(process.rlimits.length, 2);
    assert.ok(run({}).text.endsWith(`"rlimits":[{"type":"RLIMIT_RTTIME","soft":${mark},"hard":${mark}}]}`));
  });

  test("gives another user than root none of the capabilities that survive an exec", () => {
    const capabilities = { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"] };
    assert.deepEqual(run({ capabilities }, {}, { uid: 1000, gid: 1000 }).process.capabilities, {
      ...capabilities,
      inheritable: [],
      ambient: [],
    });
    assert.deepEqual(run({ capabilities }, {}, { uid: 0, gid: 0 }).process.capabilities, capabilities);
    assert.deepEqual(run({ capabilities }).process.capabilities, capabilities);
  });

  test("knows the containers whose commands could take the mark off", () => {
    assert.equal(isPowerful({ capabilities: { bounding: ["CAP_KILL", "CAP_CHOWN"] } }), false);
    for (const power of ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"]) assert.equal(isPowerful({ capabilities: { bounding: [power] } }), true);
    assert.equal(isPowerful({}), false);
  });

  test("is of a container whose control group has a name", () => {
    const groupOf = (linux?: object): string =>
      specOf({ id: "web", labels: {}, spec: { typeUrl: "", value: Buffer.from(JSON.stringify({ process: {}, linux })) } }).group;
    assert.equal(groupOf({ cgroupsPath: "/default/web-1" }), "web-1");
    assert.equal(groupOf({ cgroupsPath: "kubepods.slice:cri-containerd:0123" }), "0123");
    assert.equal(groupOf({}), "web");
    assert.equal(groupOf(), "web");
  });

  test("needs a specification that can be read", () => {
    for (const spec of [null, { typeUrl: "", value: Buffer.from("{") }, { typeUrl: "", value: Buffer.from("{}") }]) {
      assert.throws(() => specOf({ id: "web", labels: {}, spec }), { code: "RUNTIME_UNAVAILABLE" });
    }
  });
});
