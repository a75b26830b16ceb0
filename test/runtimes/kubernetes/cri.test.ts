import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import type { Runtime } from "../../../src/exec/runtime.ts";
import { marker, processesWith, readUntil, run, size, start, until } from "../../conformance/process.ts";
import { runtimeConformance } from "../../conformance/runtime.ts";
import { code } from "../../conformance/runtime-start.ts";
import { Containerd, withoutContainerd } from "../../fixtures/containerd.ts";
import { Cri } from "../../fixtures/cri.ts";
import { FakeCluster, podNamed } from "./fake-cluster.ts";

/**
 * The remote-command server of a real containerd, behind an API server that does what one does before 1.30: it asks for an
 * exec through CRI, and passes the upgrade on to the URL that it is given.
 */
async function criCluster(): Promise<{ cluster: FakeCluster; runtime: Runtime; stopPod(): Promise<void> } & AsyncDisposable> {
  const daemon = await Containerd.start("k8s.io");
  const cri = new Cri(daemon.socket);
  const container = await cri.runPod("web", "main");
  const cluster = await FakeCluster.start();
  cluster.add(podNamed("web"), podNamed("done", { phase: "Succeeded" }));
  cluster.onUpgrade = (socket, request) => {
    passOn(cri, container, socket, request).catch((error: Error) => {
      socket.end(`HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n${error.message}`);
    });
    return true;
  };
  return {
    cluster,
    runtime: cluster.runtime(),
    stopPod: () => cri.stopContainer(container),
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      cri[Symbol.dispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

async function passOn(cri: Cri, container: string, socket: Duplex, request: IncomingMessage): Promise<void> {
  const query = new URL(request.url ?? "", "http://api").searchParams;
  const flag = (name: string): boolean => query.get(name) === "true";
  const exec = { tty: flag("tty"), stdin: flag("stdin"), stdout: flag("stdout"), stderr: flag("stderr") };
  const url = await cri.exec(container, { cmd: query.getAll("command"), ...exec });
  const { host: _, ...others } = request.headers;
  const headers = Object.entries({ ...others, host: url.host }).map(([name, value]) => `${name}: ${value}\r\n`);
  const server = connect(Number(url.port), url.hostname, () => {
    server.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${headers.join("")}\r\n`);
    socket.pipe(server).pipe(socket);
  });
  for (const [one, other] of [
    [socket, server],
    [server, socket],
  ] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}

const endless = "version 4, which is all that this server speaks, cannot say that stdin is at its end";
const holds = "containerd tells of the end of a command when nobody holds its streams any more";

describe("on a containerd", { skip: withoutContainerd }, () => {
  let cri: Awaited<ReturnType<typeof criCluster>>;
  before(async () => {
    cri = await criCluster();
  });
  after(async () => {
    await cri.runtime.close();
    await cri[Symbol.asyncDispose]();
  });

  runtimeConformance(
    "a pod behind the CRI",
    async () => ({
      runtime: cri.cluster.runtime(),
      targetId: "k:prod/web",
      missingTargetId: "k:prod/none",
      stoppedTargetId: "k:prod/done",
      shell: ["/bin/sh", "-c"],
    }),
    {
      quick: { bursts: 4, failedStarts: 10 },
      skip: [
        { test: "every byte from 0x00 to 0xFF passes both ways on pipes", reason: endless },
        { test: "1 MiB passes both ways in order", reason: endless },
        { test: "stdin is half-closed while output goes on", reason: endless },
        { test: "a write to a command that has ended is accepted to no effect", reason: endless },
        { test: "what a command has not read when it is let go of is accepted to no effect", reason: endless },
        { test: "a signal that ended the command is named", reason: "the protocol tells 128 + n, which a command may say by itself" },
        { test: "resize is what stty size sees", reason: "containerd takes sizes and input in no order; the size itself is tried below" },
        { test: "a background child that holds stdout does not hold the answer", reason: holds },
        { test: "output to which a background child may add is not said to be all", reason: holds },
      ],
    },
  );

  describe("a command in a pod", () => {
    it("is killed with all that it brought forth, and seen to be gone", async () => {
      const mark = marker();
      const script = `sleep ${mark} & setsid sleep ${mark} & (setsid sleep ${mark} &) ; env -i sleep ${mark} & sleep ${mark}`;
      const running = await start(cri.runtime, "k:prod/web", { command: ["sh", "-c", script] });
      await until(async () => (await processesWith(mark)).length === 5);
      assert.equal(await running.terminate(), "verified");
      assert.deepEqual(await processesWith(mark), []);
      assert.equal((await running.exit).code, 137);
      running.release();
    });

    it("that hides from its kill is not said to be gone", async () => {
      const mark = marker();
      const script = `(env -i setsid sleep ${mark} >/dev/null 2>&1 &) ; sleep 60`;
      const running = await start(cri.runtime, "k:prod/web", { command: ["sh", "-c", script] });
      await until(async () => (await processesWith(mark)).length === 1);
      assert.equal(await running.terminate(), "bestEffort");
      await running.exit;
      running.release();
      for (const pid of await processesWith(mark)) process.kill(Number(pid), "SIGKILL");
    });

    it("is started as it is when the container has no shell, and what would need one is refused", async () => {
      // No exec finds a `sh` any more: containerd itself says what it says of containers without one.
      assert.equal((await run(cri.runtime, "k:prod/web", { command: ["mv", "/bin/sh", "/bin/hs"] })).exit.code, 0);
      const bare = cri.cluster.runtime();
      const { stdout, exit } = await run(bare, "k:prod/web", { command: ["echo", "hi"] });
      assert.deepEqual([stdout.toString(), exit.code], ["hi\n", 0]);
      await assert.rejects(start(bare, "k:prod/web", { command: ["no-such-command"] }), code("COMMAND_NOT_FOUND"));
      await assert.rejects(start(bare, "k:prod/web", { command: ["/etc/passwd"] }), code("COMMAND_NOT_EXECUTABLE"));
      await assert.rejects(start(bare, "k:prod/web", { command: ["true"], cwd: "/tmp" }), code("NOT_SUPPORTED"));
      await assert.rejects(start(bare, "k:prod/web", { command: ["true"], env: { A: "b" } }), code("NOT_SUPPORTED"));
      const sizes = ["busybox", "sh", "-c", "until stty size | grep 25; do sleep 0.01; done; stty size"];
      assert.match((await run(bare, "k:prod/web", { command: sizes, tty: { cols: 81, rows: 25 } })).stdout.toString(), /25 81\r\n$/);
      const running = await start(bare, "k:prod/web", { command: ["sleep", "1"], tty: size, stdin: true });
      assert.equal(await running.terminate(), "bestEffort");
      await assert.rejects(running.signal("SIGTERM"), code("NOT_SUPPORTED"));
      assert.equal((await running.exit).code, 0);
      running.release();
      await bare.close();
      assert.equal((await run(cri.runtime, "k:prod/web", { command: ["mv", "/bin/hs", "/bin/sh"] })).exit.code, 0);
    });

    it("has the terminal's size from its start, and each new one", async () => {
      // One that has not met the container without its shell.
      const runtime = cri.cluster.runtime();
      const command = ["sh", "-c", "while stty size; do sleep 0.02; done"];
      const running = await start(runtime, "k:prod/web", { command, tty: { cols: 81, rows: 25 }, stdin: true });
      assert.match(await readUntil(running.output, "\n"), /^25 81\r\n/);
      await running.resize({ cols: 132, rows: 50 });
      await readUntil(running.output, "50 132\r\n");
      await running.terminate();
      await running.exit;
      running.release();
      await runtime.close();
    });

    it("ends, and says how, when its pod ends in the midst of it", async () => {
      const running = await start(cri.runtime, "k:prod/web", { command: ["sh", "-c", "echo begun; sleep 60"] });
      await readUntil(running.output, "begun\n");
      await cri.stopPod();
      assert.equal((await running.exit).code, 137);
      assert.equal(await running.terminate(), "bestEffort");
      running.release();
      await assert.rejects(start(cri.runtime, "k:prod/web", { command: ["true"] }), code("RUNTIME_UNAVAILABLE"));
    });
  });
});
