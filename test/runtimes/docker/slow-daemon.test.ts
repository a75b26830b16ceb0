import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { ExecSpec, Process, Runtime } from "../../../src/exec/runtime.ts";
import { ContainerCgroups } from "../../../src/runtimes/container/cgroup.ts";
import { createDockerRuntime } from "../../../src/runtimes/docker/index.ts";
import { drain, marker, processesWith, start, until } from "../../conformance/process.ts";
import { code } from "../../conformance/runtime-start.ts";
import { ContainerDaemons, hasContainers } from "../../fixtures/container-daemons.ts";
import { GoBetween } from "../../fixtures/go-between.ts";
import { skipWithout } from "../../fixtures/require.ts";
import { stopProcess } from "../../fixtures/stop-process.ts";

const tty = { cols: 80, rows: 24 };

/** What somebody who waits is promised. */
const toldMsMax = 5000;

/** What is held until it may go on. */
function hold(): { held: Promise<void>; goOn: () => void } {
  let goOn = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  return { held, goOn };
}

/** A request that starts an exec, whose id it has, and one that asks about an exec. */
const starts = /^POST \S*\/exec\/(\w+)\/start /;
const asks = /^GET \S*\/exec\/\w+\/json /;

describe("a real dockerd that takes its time over a start", { skip: skipWithout("docker", hasContainers), timeout: 120_000 }, () => {
  let daemons: ContainerDaemons;
  const ways: Way[] = [];

  before(async () => {
    daemons = await ContainerDaemons.start();
    await daemons.container("web");
    await daemons.docker("run", "-d", "--name", "bare", "--network", "none", "bare:local", "/bin/sleep", "1000000");
  });
  afterEach(async () => {
    for (const one of ways.splice(0)) await one.close();
  });
  after(() => daemons?.[Symbol.asyncDispose]());

  /** A command on a way of its own to the daemon. In an image without a shell it is the second to be started, behind the gate that is not there. */
  class Way {
    readonly mark = marker();
    /** Settles with the id of the command's exec when it is about to be started, which waits until `go` settles. */
    readonly asked: Promise<string>;
    readonly #between: GoBetween;
    readonly #runtime: Runtime;
    readonly #isBare: boolean;

    constructor(between: GoBetween, isBare: boolean, go: (between: GoBetween) => Promise<void> | void) {
      this.#between = between;
      this.#isBare = isBare;
      this.#runtime = createDockerRuntime("docker", { socket: between.socket });
      let before = isBare ? 1 : 0;
      this.asked = new Promise((resolve) => {
        between.look.asked = async (bytes) => {
          const [, exec] = starts.exec(bytes) ?? [];
          if (exec === undefined || before-- > 0) return;
          between.look.asked = () => undefined;
          resolve(exec);
          await go(between);
        };
      });
    }

    /** Starts it; undefined when that was refused. Either is told in time, and nobody hears how what was given ended. */
    async start(spec: Partial<ExecSpec>): Promise<Process | undefined> {
      const began = performance.now();
      const starting = start(this.#runtime, this.#isBare ? "docker:bare" : "docker:web", { command: ["sleep", this.mark], ...spec });
      const given = await starting.catch((error: unknown) => void code("RUNTIME_UNAVAILABLE")(error));
      if (given !== undefined) await assert.rejects(given.exit, code("RUNTIME_UNAVAILABLE"));
      assert.ok(performance.now() - began < toldMsMax, "it was told in time");
      return given;
    }

    /** Waits until the daemon says that the exec is over, and nobody is left of it. */
    async over(): Promise<void> {
      const exec = await this.asked;
      await until(async () => {
        const { Running, ExitCode } = (await daemons.ask(`/exec/${exec}/json`)) as { Running: boolean; ExitCode: number | null };
        return !Running && ExitCode !== null && (await processesWith(this.mark)).length === 0;
      });
    }

    async close(): Promise<void> {
      await this.#runtime.close();
      await this.#between[Symbol.asyncDispose]();
    }
  }

  async function way(target: "web" | "bare", go: (between: GoBetween) => Promise<void> | void): Promise<Way> {
    const one = new Way(await GoBetween.open(daemons.dockerSocket), target === "bare", go);
    ways.push(one);
    return one;
  }

  /** Lets go of what was given as the core does. */
  async function end(given: Process | undefined): Promise<void> {
    assert.ok(given !== undefined, "it may have run: nobody is to hear that it has not");
    assert.deepEqual(await drain(given.output), { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
    assert.equal(given.output.complete, false);
    await given.terminate();
    given.release();
  }

  test("one that stands still as it is asked is told of in time: a command that may run later is lost, one at a gate refused, and neither goes on", async () => {
    const { held, goOn } = hold();
    const all = await Promise.all((["web", "web", "bare", "bare"] as const).map((target) => way(target, () => held)));
    const givens = all.map((one, index) => one.start(index % 2 === 0 ? {} : { tty }));
    try {
      await Promise.all(all.map(({ asked }, index) => Promise.race([asked, givens[index]])));
      await stopProcess(daemons.dockerdPid);
      goOn();
      const [gated, gatedOnTerminal, ...bare] = await Promise.all(givens);
      assert.deepEqual([gated, gatedOnTerminal], [undefined, undefined]);
      await Promise.all(bare.map(end));
    } finally {
      process.kill(daemons.dockerdPid, "SIGCONT");
    }
    await Promise.all(all.map((one) => one.over()));
  });

  test("one that says nothing of a command that it has started, or nothing of its gate, is given up and the command ended when it does", async () => {
    const { held, goOn } = hold();
    const bare = await way("bare", (between) => {
      between.look.asked = (bytes) => (asks.test(bytes) ? held : undefined);
    });
    const gated = await way("web", (between) => {
      between.look.answered = () => held;
    });
    const [given, refused] = await Promise.all([bare.start({}), gated.start({ tty })]);
    assert.equal(refused, undefined);
    await end(given);
    goOn();
    await Promise.all([bare.over(), gated.over()]);
  });

  test("one that cannot be heard any more since it was asked leaves a command that runs lost, and ended", async () => {
    const bare = await way("bare", (between) => {
      between.look.answered = (bytes) => {
        if (bytes.startsWith("HTTP/1.1 101 ")) throw new Error("cut");
      };
    });
    await end(await bare.start({}));
    await bare.over();
  });

  test("a gate that does not hear that it may let the command through ends, and its exit is not said to be the command's", async () => {
    const gated = await way("web", (between) => {
      between.look.asked = (bytes) => {
        if (bytes === "\n") throw new Error("cut");
      };
    });
    await end(await gated.start({ stdin: true }));
    await gated.over();
  });

  test("one that hangs as a command is to be ended by another is not waited for", async () => {
    await using between = await GoBetween.open(daemons.dockerSocket);
    const runtime = createDockerRuntime("docker", { socket: between.socket }, new ContainerCgroups(null));
    const mark = marker();
    const running = await start(runtime, "docker:web", { command: ["sleep", mark] });
    const { held, goOn } = hold();
    between.look.asked = (bytes) => (starts.test(bytes) ? held : undefined);
    const began = performance.now();
    assert.equal(await running.terminate(), "bestEffort");
    assert.ok(performance.now() - began < toldMsMax, "it was told in time");
    goOn();
    await until(async () => (await processesWith(mark)).length === 0);
    await running.exit;
    running.release();
    await runtime.close();
  });
});
