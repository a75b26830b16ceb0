import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { ExecSpec, Runtime } from "../../../src/exec/runtime.ts";
import { Api } from "../../../src/runtimes/containerd/api.ts";
import { Containers } from "../../../src/runtimes/containerd/containers.ts";
import { addon } from "../../../src/runtimes/descriptor/native.ts";
import { drain, marker, processesWith, run as runOn, size, start as startOn, until } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { Containerd, image, withoutContainerd } from "../../fixtures/containerd.ts";

const sh = ["/bin/sh", "-c"];

/** Whether this kernel tells how a process ended that is not our child. */
const isExitTold = addon.endOf(addon.openProcess(process.pid)) === undefined;

describe("a container of containerd", { skip: withoutContainerd, timeout: 60_000 }, () => {
  let daemon: Containerd;
  let runtime: Runtime;
  const run = (spec: Partial<ExecSpec>, id = "web") => runOn(runtime, daemon.target(id), spec);
  const start = (spec: Partial<ExecSpec>, id = "web") => startOn(runtime, daemon.target(id), spec);
  const said = async (spec: Partial<ExecSpec>) => (await run(spec)).stdout.toString().trim();

  before(async () => {
    daemon = await Containerd.start();
    runtime = daemon.runtime();
    const pod = (name: string) => [
      "--label",
      `io.kubernetes.pod.name=${name}`,
      "--label",
      "io.kubernetes.container.name=pg",
      "--label",
      "app=db",
    ];
    await Promise.all([
      daemon.runContainer("web"),
      daemon.runContainer("web-2"),
      daemon.runContainer("strong", "--privileged"),
      daemon.runContainer("db-new", ...pod("db-0")),
      daemon.ctr("containers", "create", ...pod("db-0"), image, "db-old"),
      daemon.ctr("containers", "create", ...pod("db-1"), image, "gone"),
    ]);
  });
  after(async () => {
    await runtime?.close();
    await daemon?.[Symbol.asyncDispose]();
  });

  describe("is found", () => {
    test("by its id, or by a beginning that no other has", async () => {
      assert.equal((await runtime.resolve(daemon.target("web"))).name, `${daemon.namespace}/web`);
      assert.equal((await runtime.resolve(daemon.target("stro"))).id, daemon.target("strong"));
      await assert.rejects(runtime.resolve(daemon.target("we")), code("TARGET_AMBIGUOUS"));
      await assert.rejects(runtime.resolve(daemon.target("eb")), code("TARGET_NOT_FOUND"));
      await assert.rejects(runtime.resolve("containerd:elsewhere/web"), code("TARGET_NOT_FOUND"));
      await assert.rejects(runtime.resolve("containerd:web"), code("TARGET_NOT_FOUND"));
    });

    test("by its pod, where the one that runs is meant and its labels are told", async () => {
      const byPod = await runtime.resolve(daemon.target("db-0/pg"));
      assert.equal(byPod.immutableId, `${daemon.namespace}/db-new`);
      assert.equal(byPod.labels?.app, "db");
      assert.equal((await runtime.resolve(daemon.target("db-new"))).id, byPod.id, "it has one name, whatever it is called by");
      await assert.rejects(start({ command: ["true"] }, "db-1/pg"), code("TARGET_NOT_RUNNING"));
    });

    test("in the list, with its state", async () => {
      const states = new Map((await runtime.targets()).map(({ immutableId, state }) => [immutableId.split("/")[1], state]));
      assert.deepEqual([states.get("web"), states.get("db-old"), states.size], ["running", "stopped", 6]);
    });
  });

  describe("is remembered", () => {
    class CountingApi extends Api {
      calls = 0;

      override async call(...request: Parameters<Api["call"]>): ReturnType<Api["call"]> {
        this.calls++;
        return await super.call(...request);
      }
    }

    test("by what it is called until something becomes of a container, and no longer", async () => {
      const api = new CountingApi(daemon.socket);
      const containers = new Containers("containerd", api, [daemon.namespace]);
      const resolve = () => containers.resolve(daemon.target("changing/pg"));
      const asked = async (): Promise<number> => {
        const before = api.calls;
        await resolve();
        return api.calls - before;
      };
      const labels = ["--label", "io.kubernetes.pod.name=changing", "--label", "io.kubernetes.container.name=pg"];
      await daemon.runContainer("changing-1", ...labels);
      await until(async () => (await asked()) === 0);
      await daemon.ctr("tasks", "exec", "--exec-id", "probe", "changing-1", "true");
      assert.equal(await asked(), 0, "the end of an exec changes nothing");
      await daemon.ctr("tasks", "pause", "changing-1");
      await until(async () => (await resolve()).state === "paused");
      await daemon.ctr("tasks", "resume", "changing-1");
      await until(async () => (await resolve()).state === "running");
      await daemon.ctr("tasks", "kill", "-s", "SIGKILL", "changing-1");
      await until(async () => (await resolve()).state === "stopped");
      await daemon.runContainer("changing-2", ...labels);
      await until(async () => (await resolve()).immutableId === `${daemon.namespace}/changing-2`);
      await until(async () => (await asked()) === 0);
      for (const id of ["changing-1", "changing-2"]) {
        await daemon.ctr("tasks", "delete", "-f", id);
        await daemon.ctr("containers", "delete", id);
      }
      await until(() =>
        assert.rejects(resolve(), code("TARGET_NOT_FOUND")).then(
          () => true,
          () => false,
        ),
      );
      containers.close();
      api.close();
    });
  });

  describe("runs a command", () => {
    test("as a user and a group that it knows, or as numbers", async () => {
      assert.equal(await said({ command: ["id"], user: "app" }), "uid=1000(app) gid=1000(app) groups=50(staff),1000(app)");
      assert.equal(await said({ command: [...sh, "id -u; id -g; id -G"], user: "app:staff" }), "1000\n50\n50");
      assert.equal(await said({ command: [...sh, "id -u; id -g"], user: "4711" }), "4711\n0");
      assert.equal(await said({ command: [...sh, "grep ^CapEff /proc/self/status"], user: "app" }), "CapEff:\t0000000000000000");
    });

    test("whose login shell is the user's own, or sh where that turns people away", async () => {
      for (const [user, name] of [
        ["app", "/bin/ash"],
        ["nobody", "/bin/sh"],
      ]) {
        const running = await start({ command: [], user, stdin: true });
        await running.write(Buffer.from("tr '\\0' ' ' < /proc/$$/cmdline\n"));
        await running.endInput();
        assert.equal((await drain(running.output)).stdout.toString(), `${name} `);
        await running.exit;
        running.release();
      }
    });

    test("on a terminal with a TERM and the image's environment", async () => {
      assert.equal(await said({ command: [...sh, "echo $TERM $FROM_IMAGE"], tty: size }), "xterm-256color yes");
    });

    test("which is looked for in the container's own PATH, whatever PATH it is given", async () => {
      assert.equal(await said({ command: ["sh", "-c", "echo $PATH"], env: { PATH: "/nowhere" } }), "/nowhere");
      await assert.rejects(run({ command: ["plain"], env: { PATH: "/etc" } }), code("COMMAND_NOT_FOUND"));
    });

    test("or says what is wrong with it", async () => {
      const refused = (spec: Partial<ExecSpec>, expected: Parameters<typeof code>[0]) =>
        assert.rejects(run({ command: ["true"], ...spec }), code(expected));
      await refused({ command: ["/nowhere/at/all"] }, "COMMAND_NOT_FOUND");
      await refused({ command: ["/etc/plain"] }, "COMMAND_NOT_EXECUTABLE");
      await refused({ command: ["/etc"] }, "COMMAND_NOT_EXECUTABLE");
      await refused({ cwd: "/nowhere" }, "CWD_NOT_FOUND");
      await refused({ cwd: "/etc/passwd" }, "CWD_NOT_FOUND");
      await refused({ user: "nobody-knows" }, "USER_NOT_FOUND");
      await refused({ user: "app:nobody-knows" }, "USER_NOT_FOUND");
      // What the kernel refuses last the OCI runtime tells in the place of the command.
      const { exit, stderr } = await run({ command: ["/bin/no-interpreter"] });
      assert.notEqual(exit.code, 0);
      assert.match(stderr.toString(), /no such file or directory/);
      await until(() => daemon.execs("web").length === 0);
    });
  });

  describe("lets go of a command", () => {
    test("with everything that has its mark, and says that this is known", async () => {
      const mark = marker();
      const script = `env -i setsid sleep ${mark} & (env -i setsid sleep ${mark} &); setsid sh -c 'trap "" TERM; sleep ${mark}' & sleep ${mark}`;
      const running = await start({ command: [...sh, script], user: "nobody" });
      await until(async () => (await processesWith(mark)).length === 4);
      assert.equal(await running.terminate(), "verified");
      assert.deepEqual(await processesWith(mark), []);
      assert.deepEqual(await running.exit, { code: 137, signal: "SIGKILL" });
      running.release();
    });

    test("but does not say so where the mark can be taken off", async () => {
      const running = await start({ command: ["sleep", "60"] }, "strong");
      assert.equal(await running.terminate(), "bestEffort");
      await running.exit;
      running.release();
    });

    test("of which somebody has changed the mark by saying so", async () => {
      const mark = marker();
      // A lower limit can be taken by anyone; busybox has no name for this one, so that the test lowers it from outside.
      const running = await start({ command: [...sh, `sleep ${mark} & sleep 60`] });
      await until(async () => (await processesWith(mark)).length === 1);
      const [pid = ""] = await processesWith(mark);
      execFileSync("prlimit", ["--pid", pid, "--rttime=1000000000:1000000000"]);
      assert.equal(await running.terminate(), "bestEffort");
      assert.deepEqual(await processesWith(mark), [pid]);
      process.kill(Number(pid), "SIGKILL");
      await running.exit;
      running.release();
    });

    test("whose exit was no signal although its number could be one", async () => {
      const { exit } = await run({ command: [...sh, "sleep 0.3; exit 143"] });
      assert.equal(exit.code, 143);
      if (isExitTold) assert.equal(exit.signal, null);
    });

    test("and of its exec and its FIFOs", async () => {
      await until(() => daemon.execs("web").length === 0 && daemon.fifos().length === 0);
    });
  });
});
