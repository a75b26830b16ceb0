import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ExecSpec, Process } from "../../../src/exec/runtime.ts";
import { drain, start, until } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { exitedWith, FakeCluster, type FakeExec, podNamed, sendJson, success } from "./fake-cluster.ts";

const target = "k:prod/web";

/** A runtime on a cluster with one pod. */
async function webCluster(options: Parameters<typeof FakeCluster.start>[0] = {}, pingMs = 10_000) {
  const cluster = await FakeCluster.start(options);
  cluster.add(podNamed("web"));
  const runtime = cluster.runtime({ pingMs });
  return {
    cluster,
    runtime,
    async [Symbol.asyncDispose]() {
      for (const socket of cluster.sockets) socket.destroy();
      await runtime.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

/** A command that runs, and the server's side of it. Other execs are scripts that look for what is left: nothing is. */
async function running(web: Awaited<ReturnType<typeof webCluster>>, spec: Partial<ExecSpec> = {}) {
  let accept!: (exec: FakeExec) => void;
  const accepted = new Promise<FakeExec>((resolve) => {
    accept = resolve;
  });
  web.cluster.onExec = (exec) => {
    if (exec.query.getAll("command")[3] === "execgate") void exec.pass().then(() => accept(exec));
    else {
      exec.say(1, "gone\n");
      exec.end(success);
    }
  };
  const process = await start(web.runtime, target, { command: ["true"], ...spec });
  return { process, exec: await accepted };
}

/** Nothing is known of the command but that it may run. */
async function isStray(process: Process): Promise<void> {
  await assert.rejects(process.exit, code("RUNTIME_UNAVAILABLE"));
  assert.deepEqual([(await drain(process.output)).stdout.toString(), process.output.complete], ["", false]);
  assert.equal(await process.terminate(), "bestEffort");
}

describe("an upgrade that is not answered with 101", { concurrency: true }, () => {
  const answers = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "RUNTIME_UNAVAILABLE"],
    ["HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi", "RUNTIME_UNAVAILABLE"],
    ["HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "RUNTIME_UNAVAILABLE"],
    ["HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "RUNTIME_UNAVAILABLE"],
    [
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
      "RUNTIME_UNAVAILABLE",
    ],
    ["HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "RUNTIME_UNAVAILABLE"],
    ['HTTP/1.1 403 Forbidden\r\nContent-Length: 24\r\n\r\n{"message":"no pods\\/exec"}', "RUNTIME_UNAVAILABLE"],
    ["HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", "OVERLOADED"],
    ["HTTP/1.1 500 Internal Server Error\r\n\r\nno end in sight", "RUNTIME_UNAVAILABLE"],
    ["HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n", "RUNTIME_UNAVAILABLE"],
    ["not HTTP at all\r\n\r\n", "RUNTIME_UNAVAILABLE"],
    ["", "RUNTIME_UNAVAILABLE"],
  ] as const;

  for (const [answer, expected] of answers) {
    it(`is ${expected}, and its socket is destroyed: ${JSON.stringify(answer.slice(0, 40))}`, async () => {
      await using web = await webCluster();
      let closed: Promise<unknown> | undefined;
      web.cluster.onUpgrade = (socket) => {
        closed = new Promise((resolve) => socket.resume().once("end", resolve).once("error", resolve));
        if (answer === "") socket.end();
        else socket.write(answer);
        return true;
      };
      await assert.rejects(start(web.runtime, target, { command: ["true"] }), code(expected));
      await closed;
      assert.ok(!web.cluster.asked.some((line) => line.includes("elsewhere")));
    });
  }

  it("tells what the server says, on one line and no more than a sentence", async () => {
    await using web = await webCluster();
    const message = `pods "web" is forbidden:\n\u001b[31m${"x".repeat(5000)}`;
    web.cluster.onUpgrade = (socket) => {
      const body = JSON.stringify({ kind: "Status", message });
      socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      return true;
    };
    await assert.rejects(start(web.runtime, target, { command: ["true"] }), (error: Error) => {
      assert.match(error.message, /403 pods "web" is forbidden: \[31mxxx/);
      assert.ok(error.message.length < 500);
      return true;
    });
  });
});

describe("the end of a command in a pod", () => {
  it("is its exit code when the Status tells it", async () => {
    await using web = await webCluster();
    const { process, exec } = await running(web);
    exec.say(1, "last words");
    exec.end(exitedWith(137));
    assert.deepEqual(await process.exit, { code: 137, signal: null });
    assert.equal((await drain(process.output)).stdout.toString(), "last words");
    assert.equal(process.output.complete, true);
    process.release();
  });

  const silent: [string, (exec: FakeExec) => void][] = [
    ["closes with 1000", ({ socket }) => socket.close(1000)],
    ["closes with 1001", ({ socket }) => socket.close(1001)],
    ["breaks off", ({ socket }) => socket.terminate()],
    [
      "says half a Status",
      (exec) => {
        exec.say(3, '{"status":"Succ');
        exec.socket.close(1000);
      },
    ],
    [
      "says an empty error channel",
      (exec) => {
        exec.say(3, "");
        exec.socket.close(1000);
      },
    ],
    ["says a Status without a verdict", (exec) => exec.end({ metadata: {} })],
    ["says that it failed", (exec) => exec.end({ status: "Failure", reason: "InternalError", message: "the pod has gone" })],
    ["sends a frame that is too large", ({ socket }) => socket.send(Buffer.alloc(2 ** 20 + 1, 1))],
  ];
  for (const [title, act] of silent) {
    it(`is not known when the server ${title}`, async () => {
      await using web = await webCluster();
      const { process, exec } = await running(web);
      exec.say(1, "so far");
      act(exec);
      await assert.rejects(process.exit, code("RUNTIME_UNAVAILABLE"));
      assert.equal((await drain(process.output)).stdout.toString(), "so far");
      assert.equal(process.output.complete, false);
      process.release();
    });
  }

  it("is not known when the server is silent for long, and takes no pong for life that does not come", async () => {
    await using web = await webCluster({}, 30);
    const { process, exec } = await running(web);
    exec.socket.pause();
    await assert.rejects(process.exit, code("RUNTIME_UNAVAILABLE"));
    process.release();
  });

  it("is waited for as long as the server answers pings", async () => {
    await using web = await webCluster({}, 25);
    const { process, exec } = await running(web);
    let pings = 0;
    exec.socket.on("ping", () => pings++);
    await until(() => pings > 10);
    exec.end(success);
    assert.deepEqual(await process.exit, { code: 0, signal: null });
    process.release();
  });

  it("is told once, whatever comes behind the Status", async () => {
    await using web = await webCluster();
    const { process, exec } = await running(web);
    exec.say(3, JSON.stringify(success));
    exec.say(1, "too late");
    exec.end(exitedWith(3));
    assert.deepEqual(await process.exit, { code: 0, signal: null });
    assert.equal((await drain(process.output)).stdout.length, 0);
    process.release();
  });
});

describe("a stream in a pod", () => {
  it("is read no faster than the output is taken", async () => {
    await using web = await webCluster();
    const { process, exec } = await running(web);
    const chunk = "x".repeat(32 * 1024);
    const total = 64 * 1024 * 1024;
    for (let sent = 0; sent < total; sent += chunk.length) exec.say(1, chunk);
    exec.end(success);
    assert.equal((await process.output.next())?.stream, "stdout");
    // What the kernel's buffers hold has left the server; the rest waits there.
    let before = -1;
    await until(() => {
      const held = exec.socket.bufferedAmount;
      const isStill = held === before;
      before = held;
      return isStill;
    });
    assert.ok(exec.socket.bufferedAmount > total - 24 * 1024 * 1024, `${exec.socket.bufferedAmount} bytes wait`);
    const { stdout } = await drain(process.output);
    assert.ok(stdout.length > total - 2 * chunk.length);
    assert.equal((await process.exit).code, 0);
    process.release();
  });

  it("lets the Status of a killed command come although nobody reads what stands before it", async () => {
    await using web = await webCluster();
    const { process, exec } = await running(web);
    for (let i = 0; i < 200; i++) exec.say(1, "x".repeat(32 * 1024));
    exec.end(exitedWith(137));
    await process.output.next();
    assert.equal(await process.terminate(), "verified");
    assert.equal((await process.exit).code, 137);
    process.output.cut();
    await drain(process.output);
    assert.equal(process.output.complete, false);
    process.release();
  });

  it("does not take a kill for certain that the container did not confirm", async () => {
    await using web = await webCluster();
    const { process, exec } = await running(web);
    for (const say of ["unseen\n", "left\n", "", "gone for all I know\n"]) {
      web.cluster.onExec = (script) => {
        if (say !== "") script.say(1, say);
        script.end(success);
      };
      assert.equal(await process.terminate(), "bestEffort");
    }
    web.cluster.onUpgrade = (socket) => {
      socket.end("HTTP/1.1 500 No\r\n\r\n");
      return true;
    };
    assert.equal(await process.terminate(), "bestEffort");
    exec.end(exitedWith(137));
    await process.exit;
    process.release();
  });

  it("refuses input whose end version 4 cannot say, before anything is started", async () => {
    await using web = await webCluster({ protocols: ["v4.channel.k8s.io"] });
    const said: string[] = [];
    web.cluster.onExec = ({ socket }) => socket.on("message", (data: Buffer) => said.push(data.toString()));
    await assert.rejects(start(web.runtime, target, { command: ["cat"], stdin: true }), code("NOT_SUPPORTED"));
    await until(() => said.length > 0);
    assert.deepEqual(said, ["\0q\n"]);
    const { process, exec } = await running(web);
    exec.end(success);
    assert.equal((await process.exit).code, 0);
    process.release();
  });
});

describe("a container's shell", () => {
  const failing = (message: string) => (exec: FakeExec) => exec.end({ status: "Failure", reason: "InternalError", message });

  it("is not taken to be missing when something else is", async () => {
    await using web = await webCluster();
    web.cluster.onExec = failing('failed to create exec "e": mkdir /run/e: no such file or directory');
    await assert.rejects(start(web.runtime, target, { command: ["true"] }), code("RUNTIME_UNAVAILABLE"));
    const { process, exec } = await running(web, { env: { A: "b" } });
    exec.end(success);
    await process.exit;
    process.release();
  });

  it("is missing when the runtime says so, in the words of each", async () => {
    const words = [
      'exec failed: unable to start container process: exec: "sh": executable file not found in $PATH: unknown',
      'start exec \\"e\\": exec: \\"sh\\": executable file not found in $PATH: unknown',
      "executable file `sh` not found in $PATH: No such file or directory",
    ];
    for (const message of words) {
      await using web = await webCluster();
      web.cluster.onExec = failing(message);
      await assert.rejects(start(web.runtime, target, { command: ["true"], env: { A: "b" } }), code("NOT_SUPPORTED"));
    }
  });

  it("is given up when what answers talks without end", async () => {
    await using web = await webCluster();
    web.cluster.onExec = (exec) => {
      if (exec.query.getAll("command")[3] !== "execgate") return exec.end(success);
      for (let i = 0; i < 64; i++) exec.say(1 + (i % 2), "x".repeat(32 * 1024));
    };
    await assert.rejects(start(web.runtime, target, { command: ["true"] }), code("RUNTIME_UNAVAILABLE"));
  });
});

describe("a command of which nobody knows whether the gate let it run", () => {
  /** Its gate has got the word and does not answer. Other execs are scripts, whose arguments are kept. */
  async function hanging(web: Awaited<ReturnType<typeof webCluster>>) {
    const scripts: string[][] = [];
    const told = new Promise<FakeExec>((resolve) => {
      web.cluster.onExec = (exec) => {
        const command = exec.query.getAll("command");
        if (command[3] === "execgate") exec.socket.on("message", (data: Buffer) => data.toString().endsWith("g\n") && resolve(exec));
        else {
          scripts.push(command.slice(6));
          exec.say(1, "unseen\n");
          exec.end(success);
        }
      };
    });
    const leaving = new AbortController();
    const starting = start(web.runtime, target, { command: ["true"] }, leaving.signal);
    return { scripts, leaving, starting, gate: await told };
  }

  it("is given back soon to who leaves, and ended when it shows", async () => {
    await using web = await webCluster();
    const { scripts, leaving, starting, gate } = await hanging(web);
    const beganMs = performance.now();
    leaving.abort();
    const process = await starting;
    assert.ok(performance.now() - beganMs < 2500);
    await isStray(process);
    assert.deepEqual(scripts, [["0", "0", "0"]]);
    process.release();
    gate.say(1, `${gate.query.getAll("command")[4]} ready 7 100 1\n`);
    await until(() => scripts.length > 1);
    assert.deepEqual(scripts[1], ["7", "100", "1"]);
    await until(() => gate.socket.readyState === gate.socket.CLOSED);
  });

  it("is given back when the stream breaks off behind the word, since it may have run", async () => {
    await using web = await webCluster();
    const { scripts, starting, gate } = await hanging(web);
    gate.socket.terminate();
    const process = await starting;
    await isStray(process);
    assert.deepEqual(scripts, [["0", "0", "0"]]);
    process.release();
  });
});

describe("the pod of a target", () => {
  const state = (metadata: object, phase: string, containerState?: object) =>
    podNamed("odd", {
      phase,
      metadata,
      ...(containerState && { status: { containerStatuses: [{ name: "main", state: containerState }] } }),
    });
  const cases = [
    ["pending", state({}, "Pending")],
    ["succeeded", state({}, "Succeeded")],
    ["failed", state({}, "Failed")],
    ["terminating", state({ deletionTimestamp: "2026-11-25T00:00:00Z" }, "Running")],
    ["waiting", state({}, "Running", { waiting: { reason: "CrashLoopBackOff" } })],
    ["terminated", state({}, "Running", { terminated: { exitCode: 0 } })],
  ] as const;
  for (const [word, pod] of cases) {
    it(`is not running when it is ${word}, and the error says so`, async () => {
      await using web = await webCluster();
      web.cluster.add(pod);
      web.cluster.onUpgrade = (socket) => {
        socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
        return true;
      };
      await assert.rejects(start(web.runtime, "k:prod/odd", { command: ["true"] }), (error: { code: string; details: object }) => {
        assert.deepEqual([error.code, error.details], ["TARGET_NOT_RUNNING", { state: word }]);
        return true;
      });
      assert.equal((await web.runtime.targets()).find(({ id }) => id === "k:prod/odd/main")?.state, word);
    });
  }

  it("is not another pod of its name: the gate is turned away", async () => {
    await using web = await webCluster();
    const resolved = await web.runtime.resolve(target);
    web.cluster.add(podNamed("web", { uid: "another" }));
    const said: string[] = [];
    web.cluster.onExec = ({ socket }) => socket.on("message", (data: Buffer) => said.push(data.toString()));
    const spec = { command: ["true"], env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false };
    await assert.rejects(web.runtime.start(resolved, spec, new AbortController().signal), code("TARGET_NOT_FOUND"));
    await until(() => said.length > 0);
    assert.deepEqual(said, ["\0q\n"]);
  });

  it("is looked at after the stream was opened, so that no other can have taken its place", async () => {
    await using web = await webCluster();
    const { process, exec } = await running(web);
    exec.end(success);
    await process.exit;
    assert.deepEqual(web.cluster.asked.slice(-3), [
      "GET /api/v1/namespaces/prod/pods/web",
      "GET /api/v1/namespaces/prod/pods/web/exec",
      "GET /api/v1/namespaces/prod/pods/web",
    ]);
    process.release();
  });

  describe("when its container has no shell", () => {
    function sayNoShell(exec: FakeExec): void {
      exec.end({ status: "Failure", reason: "InternalError", message: 'exec: "sh": executable file not found in $PATH' });
    }

    function refuseAll(cluster: FakeCluster): void {
      cluster.onRequest = (response) => {
        sendJson(response, 500, {});
        return true;
      };
    }

    /** Who asks leaves while the server is at the upgrade to the command itself. */
    async function leftInUpgrade(web: Awaited<ReturnType<typeof webCluster>>, answer: "late" | "never" | "refusal"): Promise<Process> {
      const leaving = new AbortController();
      web.cluster.onUpgrade = (socket, { url = "" }) => {
        if (url.includes("command=sh")) return false;
        leaving.abort(new Error("the client has left"));
        if (answer === "refusal") socket.end("HTTP/1.1 500 No\r\n\r\n");
        return answer !== "late";
      };
      web.cluster.onExec = (exec) => {
        if (exec.query.get("command") === "sh") sayNoShell(exec);
        else exec.say(1, "it runs");
      };
      return await start(web.runtime, target, { command: ["hostname"] }, leaving.signal);
    }

    it("is given back to who leaves while it is started, as it runs by then", async () => {
      await using web = await webCluster();
      const process = await leftInUpgrade(web, "late");
      assert.equal((await process.output.next())?.bytes.toString(), "it runs");
      assert.equal(await process.terminate(), "bestEffort");
      process.release();
    });

    it("is given back to who leaves, when the server does not say whether it runs", async () => {
      await using web = await webCluster();
      const process = await leftInUpgrade(web, "never");
      await isStray(process);
      process.release();
    });

    it("is not started at all with input whose end version 4 cannot say", async () => {
      await using web = await webCluster({ protocols: ["v4.channel.k8s.io"] });
      const begun: (string | null)[] = [];
      web.cluster.onExec = (exec) => {
        if (exec.query.get("command") === "sh") return sayNoShell(exec);
        begun.push(exec.query.get("command"));
        exec.end(success);
      };
      const process = await start(web.runtime, target, { command: ["hostname"] });
      assert.deepEqual(await process.exit, { code: 0, signal: null });
      process.release();
      await assert.rejects(start(web.runtime, target, { command: ["cat"], stdin: true }), code("NOT_SUPPORTED"));
      assert.deepEqual(begun, ["hostname"]);
    });

    it("never ran when the server refused it", async () => {
      await using web = await webCluster();
      await assert.rejects(leftInUpgrade(web, "refusal"), /the client has left/);
    });

    /** What happens to the pod between the look and the exec, and what is said of it from then on. */
    const changes: [string, (cluster: FakeCluster) => void, boolean][] = [
      ["is replaced", (cluster) => cluster.add(podNamed("web", { uid: "another" })), false],
      ["is removed", (cluster) => cluster.remove("web"), false],
      ["cannot be looked at", refuseAll, false],
      ["begins to end", (cluster) => cluster.add(podNamed("web", { metadata: { deletionTimestamp: "2026-11-25T00:00:00Z" } })), true],
    ];
    for (const [title, change, isKept] of changes) {
      it(`${isKept ? "keeps" : "hands nothing on of"} a command that was begun in the moment in which the pod ${title}`, async () => {
        await using web = await webCluster();
        const heard: string[] = [];
        web.cluster.onExec = (exec) => {
          if (exec.query.get("command") === "sh") return sayNoShell(exec);
          change(web.cluster);
          exec.socket.on("message", (data: Buffer) => heard.push(data.toString()));
          exec.say(1, "words of another pod");
          exec.end(success);
        };
        const process = await start(web.runtime, target, { command: ["hostname"], stdin: true });
        await process.write(Buffer.from("secret"));
        const { stdout } = await drain(process.output);
        if (isKept) assert.deepEqual([stdout.toString(), await process.exit], ["words of another pod", { code: 0, signal: null }]);
        else {
          await assert.rejects(process.exit, code("RUNTIME_UNAVAILABLE"));
          assert.deepEqual([stdout.length, process.output.complete, heard], [0, false, []]);
        }
        assert.equal(await process.terminate(), "bestEffort");
        process.release();
      });
    }
  });

  it("has containers of its own, and one that is meant when none is named", async () => {
    await using web = await webCluster();
    const metadata = { annotations: { "kubectl.kubernetes.io/default-container": "app" } };
    web.cluster.add(podNamed("two", { containers: [{ name: "side" }, { name: "app" }], metadata }));
    assert.equal((await web.runtime.resolve("k:prod/two")).id, "k:prod/two/app");
    assert.equal((await web.runtime.resolve("k:prod/two/side")).immutableId, "uid-of-two/side");
    assert.equal((await web.runtime.resolve("k:prod/web")).id, "k:prod/web/main");
    for (const id of [
      "k:prod/two/none",
      "k:prod/none",
      "k:other/web",
      "k:prod",
      "k:prod/web/main/more",
      "k:prod/../secrets",
      "k:prod/web?x",
      "k:prod/%2e",
    ]) {
      await assert.rejects(web.runtime.resolve(id), code("TARGET_NOT_FOUND"));
    }
    assert.ok(!web.cluster.asked.some((line) => line.includes("other") || line.includes("secrets")));
  });

  it("is one of many, listed page by page and once for all who ask at a time", async () => {
    await using web = await webCluster();
    for (let i = 0; i < 1100; i++) web.cluster.add(podNamed(`pod-${i}`));
    const [one, two] = await Promise.all([web.runtime.targets(), web.runtime.targets()]);
    assert.equal(one.length, 1101);
    assert.equal(two, one);
    assert.equal(await web.runtime.targets(), one);
    assert.deepEqual(web.cluster.asked.map((line) => line.split(" ")[0]).join(), "GET,GET,GET,GET,GET,WATCH");
    assert.deepEqual(one.at(-1)?.labels, { app: "pod-1099" });
  });
});

describe("an API server that fails", () => {
  it("is RUNTIME_UNAVAILABLE while it is gone, and in use again when it is back", async () => {
    await using web = await webCluster();
    const { port } = web.cluster;
    const { process } = await running(web);
    await web.cluster.stop();
    await assert.rejects(process.exit, code("RUNTIME_UNAVAILABLE"));
    assert.equal(await process.terminate(), "bestEffort");
    process.release();
    await assert.rejects(web.runtime.resolve(target), code("RUNTIME_UNAVAILABLE"));
    await assert.rejects(web.runtime.ping(AbortSignal.timeout(5000)), code("RUNTIME_UNAVAILABLE"));
    await web.cluster.listen(port);
    await web.runtime.ping(AbortSignal.timeout(5000));
    const again = await running(web);
    again.exec.end(success);
    assert.equal((await again.process.exit).code, 0);
    again.process.release();
  });

  it("is not followed elsewhere, believed without JSON, or read without end", async () => {
    await using web = await webCluster();
    web.cluster.onRequest = (response) => {
      response.writeHead(302, { location: "/elsewhere" }).end();
      return true;
    };
    await assert.rejects(web.runtime.resolve(target), code("RUNTIME_UNAVAILABLE"));
    web.cluster.onRequest = (response) => {
      response.end("<html>");
      return true;
    };
    await assert.rejects(web.runtime.resolve(target), code("RUNTIME_UNAVAILABLE"));
    web.cluster.onRequest = (response) => {
      sendJson(response, 403, { message: "no" });
      return true;
    };
    await assert.rejects(web.runtime.targets(), code("RUNTIME_UNAVAILABLE"));
    assert.ok(!web.cluster.asked.some((line) => line.includes("elsewhere")));
  });

  it("that never answers an upgrade lets a start be aborted, and holds no descriptor of it", async () => {
    await using web = await webCluster();
    web.cluster.onUpgrade = () => true;
    const controller = new AbortController();
    const reason = new Error("the client has left");
    const starting = start(web.runtime, target, { command: ["true"] }, controller.signal);
    await until(() => web.cluster.asked.some((line) => line.endsWith("/exec")));
    controller.abort(reason);
    await assert.rejects(starting, reason);
  });
});
