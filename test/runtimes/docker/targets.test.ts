import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Runtime } from "../../../src/exec/runtime.ts";
import { ContainerCgroups, type ExecCgroup } from "../../../src/runtimes/container/cgroup.ts";
import { createDockerRuntime } from "../../../src/runtimes/docker/index.ts";
import { run, start, until } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { ContainerDaemons, hasContainers, imageUser } from "../../fixtures/container-daemons.ts";
import { openGateway } from "../../fixtures/gateway.ts";
import { moreThan, openDescriptors } from "../../fixtures/open-descriptors.ts";
import { skipWithout } from "../../fixtures/require.ts";
import { openTeam } from "../../fixtures/team.ts";

const shell = ["/bin/sh", "-c"];

describe("docker, on a real dockerd", { skip: skipWithout("docker", hasContainers) }, () => {
  let daemons: ContainerDaemons;
  let runtime: Runtime;
  let id: string;

  before(async () => {
    daemons = await ContainerDaemons.start();
    id = await daemons.container("web", "--label", "tier=front", "--env", "PLACE=here", "--workdir", "/root");
    runtime = createDockerRuntime("edge1", { socket: daemons.dockerSocket });
  });
  after(async () => {
    await runtime.close();
    await daemons[Symbol.asyncDispose]();
  });

  test("a container is found by its name, its id, and a beginning of its id, and is one target", async () => {
    const expected = { id: "edge1:web", runtime: "edge1", name: "web", immutableId: id, state: "running", labels: { tier: "front" } };
    for (const name of ["web", id, id.slice(0, 12), id.slice(0, 5)]) assert.deepEqual(await runtime.resolve(`edge1:${name}`), expected);
    assert.deepEqual(await runtime.targets(), [expected]);
  });

  test("what is no name is no target, and is not asked for", async () => {
    for (const name of ["", "no", "../web", "web/json", "web?all=1", "WEB", `${id}0`, "%2e"]) {
      await assert.rejects(runtime.resolve(`edge1:${name}`), code("TARGET_NOT_FOUND"), name);
    }
  });

  test("a beginning that several ids have is ambiguous", async () => {
    const ids = [id];
    for (let i = 0; new Set(ids.map((one) => one[0])).size === ids.length; i++) {
      ids.push(await daemons.docker("create", "--name", `more${i}`, "busybox:local", "true"));
    }
    const first = ids.at(-1)?.[0] ?? "";
    await assert.rejects(runtime.resolve(`edge1:${first}`), code("TARGET_AMBIGUOUS"));
  });

  test("a container that does not run says its state", async () => {
    await daemons.container("halted");
    const refused = async (state: string) => {
      const target = await runtime.resolve("edge1:halted");
      assert.equal(target.state, state);
      await assert.rejects(start(runtime, "edge1:halted", { command: ["true"] }), (error: { code: string; details: { state: string } }) => {
        assert.deepEqual([error.code, error.details.state], ["TARGET_NOT_RUNNING", state]);
        return true;
      });
    };
    await daemons.docker("pause", "halted");
    await refused("paused");
    await daemons.docker("unpause", "halted");
    // Paused only after the look at it: the daemon itself refuses then.
    const target = await runtime.resolve("edge1:halted");
    await daemons.docker("pause", "halted");
    const spec = { command: ["true"], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };
    await assert.rejects(runtime.start(target, spec, new AbortController().signal), code("TARGET_NOT_RUNNING"));
    await daemons.docker("kill", "halted");
    await refused("exited");
    await daemons.docker("rm", "halted");
    await assert.rejects(runtime.start(target, spec, new AbortController().signal), code("TARGET_NOT_FOUND"));
  });

  test("each thing that is missing is an error of its own", async () => {
    const refused = (spec: object) => start(runtime, "edge1:web", spec);
    await assert.rejects(refused({ command: ["no-such"] }), code("COMMAND_NOT_FOUND"));
    await assert.rejects(refused({ command: ["/etc/passwd"] }), code("COMMAND_NOT_EXECUTABLE"));
    await assert.rejects(refused({ command: ["true"], cwd: "/no/such" }), code("CWD_NOT_FOUND"));
    await assert.rejects(refused({ command: ["true"], user: "nobody-there" }), code("USER_NOT_FOUND"));
    await assert.rejects(refused({ command: ["true"], user: "root:no-such-group" }), code("USER_NOT_FOUND"));
    await assert.rejects(refused({ command: ["a\0b"] }), code("BAD_REQUEST"));
    await assert.rejects(refused({ command: ["true"], env: { "A=B": "c" } }), code("BAD_REQUEST"));
  });

  test("environment, directory and user are the container's own unless the request says others", async () => {
    const script = ['echo "$PLACE|$(pwd)|$(id -un)|$HOME|$TERM"'];
    const said = async (spec: object) => (await run(runtime, "edge1:web", { command: [...shell, ...script], ...spec })).stdout.toString();
    assert.equal(await said({}), "here|/root|root|/root|\n");
    assert.equal(await said({ user: imageUser, cwd: "/tmp", env: { PLACE: "there" } }), `there|/tmp|${imageUser}|/tmp|\n`);
    assert.equal(await said({ tty: { cols: 80, rows: 24 } }), "here|/root|root|/root|xterm-256color\r\n");
    assert.equal(await said({ tty: { cols: 80, rows: 24 }, env: { TERM: "dumb" } }), "here|/root|root|/root|dumb\r\n");
  });

  test("a command is looked up in the container's PATH, whatever PATH it is given", async () => {
    const { stdout } = await run(runtime, "edge1:web", { command: ["env"], env: { PATH: "/nowhere" } });
    assert.match(stdout.toString(), /^PATH=\/nowhere$/m);
  });

  test("without a command the user's shell is a login shell on the terminal", async () => {
    const input = Buffer.from("echo it is $0 $-\nexit 3\n");
    const { stdout, exit } = await run(runtime, "edge1:web", { command: [], user: imageUser, tty: { cols: 80, rows: 24 } }, input);
    assert.match(stdout.toString(), /it is \/bin\/sh \w*i\w*\r\n/);
    assert.equal(exit.code, 3);
  });

  test("policy tells two runtimes of a kind apart, and containers by their labels, by whatever name they are called", async () => {
    const vault = await daemons.container("vault", "--label", "tier=secret-1");
    const allow = { verbs: ["exec"], commands: "any" };
    const roles = {
      dev: { allow: [{ ...allow, targets: ["edge1:*"], labels: { tier: "front*" } }] },
      ops: { allow: [{ ...allow, targets: ["docker:*", "edge1:*"] }], deny: [{ labels: { tier: "secret*" } }] },
    };
    const bindings = Object.keys(roles).map((name) => ({ subjects: [`user:${name}`], roles: [name] }));
    const socket = daemons.dockerSocket;
    await using team = await openTeam(
      { dev: [], ops: [] },
      { runtimes: { docker: { socket }, edge1: { kind: "docker", socket } }, policy: { roles, bindings } },
    );
    const says = async (who: string, target: string): Promise<number> =>
      (await team.as(who)("/v1/exec", { method: "POST", body: { target, command: ["true"] } })).status;
    for (const name of ["web", id, id.slice(0, 12)]) {
      assert.deepEqual([await says("dev", `edge1:${name}`), await says("dev", `docker:${name}`)], [200, 404], name);
      assert.deepEqual([await says("ops", `edge1:${name}`), await says("ops", `docker:${name}`)], [200, 200], name);
    }
    for (const name of ["vault", vault, vault.slice(0, 12)]) {
      for (const who of ["dev", "ops"]) assert.equal(await says(who, `edge1:${name}`), 404, `${who} ${name}`);
    }
    const listed = async (who: string) =>
      ((await team.as(who)("/v1/targets")).json as { targets: { id: string }[] }).targets.map((target) => target.id);
    assert.deepEqual(await listed("dev"), ["edge1:web"]);
    const seen = await listed("ops");
    assert.ok(seen.includes("docker:web") && seen.includes("edge1:web") && !seen.some((target) => target.endsWith(":vault")));
    await daemons.docker("stop", "--time", "0", "vault");
    assert.equal(await says("ops", "edge1:vault"), 404, "that it does not run is not told either");
    await daemons.docker("rm", "vault");
  });

  test("much output on both streams at once comes whole, although the memory of what was read is used again", async () => {
    await using gateway = await openGateway({ runtimes: { docker: { socket: daemons.dockerSocket } } });
    const command = [...shell, "seq 1 400000 >&2 & seq 400001 800000; wait"];
    const { stdout, stderr } = await gateway.exec({ target: "docker:web", command, outputBytesMax: 16_777_216 });
    const lines = (from: number) => Array.from({ length: 400_000 }, (_, index) => `${from + index}\n`).join("");
    assert.ok(stdout.data === lines(400_001), `${stdout.bytes} bytes of stdout`);
    assert.ok(stderr.data === lines(1), `${stderr.bytes} bytes of stderr`);
  });

  test("the end of a terminal's input is no end of its output", async () => {
    const command = [...shell, "cat; sleep 0.2; echo later"];
    const { stdout } = await run(runtime, "edge1:web", { command, tty: { cols: 80, rows: 24 } }, Buffer.from("a\n"));
    assert.match(stdout.toString(), /later\r\n$/);
  });

  test("an image without a shell is used all the same, with errors of its own", async () => {
    await daemons.docker("run", "-d", "--name", "bare", "--network", "none", "bare:local", "/bin/sleep", "1000000");
    const { stdout, exit } = await run(runtime, "edge1:bare", { command: ["cat"] }, Buffer.from("hello"));
    assert.deepEqual([stdout.toString(), exit.code], ["hello", 0]);
    const shown = await run(runtime, "edge1:bare", { command: ["cat"], tty: { cols: 80, rows: 24 } }, Buffer.from("hello\n"));
    assert.deepEqual([shown.stdout.toString(), shown.exit.code], ["hello\r\nhello\r\n", 0]);
    for (const tty of [undefined, { cols: 80, rows: 24 }])
      await assert.rejects(start(runtime, "edge1:bare", { command: ["no-such"], tty }), code("COMMAND_NOT_FOUND"));
    await assert.rejects(start(runtime, "edge1:bare", { command: ["/etc/passwd"] }), code("COMMAND_NOT_EXECUTABLE"));
    await assert.rejects(start(runtime, "edge1:bare", { command: ["/bin/true"], cwd: "/no/such" }), code("CWD_NOT_FOUND"));
    await assert.rejects(start(runtime, "edge1:bare", { command: ["/bin/true"], user: "nobody-there" }), code("USER_NOT_FOUND"));
    await assert.rejects(start(runtime, "edge1:bare", { command: [] }), code("COMMAND_NOT_FOUND"));
    const sleeping = await start(runtime, "edge1:bare", { command: ["sleep", "600"] });
    assert.equal(await sleeping.terminate(), "bestEffort");
    assert.deepEqual(await sleeping.exit, { code: 137, signal: "SIGKILL" });
    sleeping.release();
  });

  test("in a container whose root could leave a control group nothing is called verified", async () => {
    await daemons.container("mighty", "--cap-add", "SYS_ADMIN");
    const sleeping = await start(runtime, "edge1:mighty", { command: ["sleep", "600"] });
    assert.equal(await sleeping.terminate(), "bestEffort");
    await sleeping.exit;
    sleeping.release();
    const plain = await start(runtime, "edge1:web", { command: ["sleep", "600"] });
    assert.equal(await plain.terminate(), "verified");
    await plain.exit;
    plain.release();
  });

  test("a start that is aborted when its command was seen already leaves no descriptor", async () => {
    let abort = new AbortController();
    class Aborting extends ContainerCgroups {
      override open(...place: Parameters<ContainerCgroups["open"]>): ExecCgroup | undefined {
        const group = super.open(...place);
        const enter = group?.enter.bind(group);
        if (group && enter) group.enter = (pid) => enter(pid).then(() => abort.abort(new Error("left")));
        return group;
      }
    }
    const leaving = createDockerRuntime("edge1", { socket: daemons.dockerSocket }, new Aborting());
    // The first one opens what stays open: a connection, and the guard of the groups.
    await run(leaving, "edge1:web", { command: ["true"] });
    abort = new AbortController();
    const before = openDescriptors(process.pid);
    await assert.rejects(start(leaving, "edge1:web", { command: ["sleep", "600"] }, abort.signal), /left/);
    const isKept = (name: string): boolean => name === `socket to ${daemons.dockerSocket}`;
    const more = () => moreThan(before, openDescriptors(process.pid)).filter((name) => !isKept(name));
    await until(() => more().length === 0).catch(() => assert.deepEqual(more(), []));
    await leaving.close();
  });
});
