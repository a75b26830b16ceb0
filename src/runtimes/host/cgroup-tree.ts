import { setTimeout as delay } from "node:timers/promises";
import { ExecgateError } from "../../errors.ts";
import type { Exit, Signal, Termination } from "../../exec/runtime.ts";
import { Descriptor } from "../descriptor/descriptor.ts";
import { sendSignal, toExit } from "../signals.ts";
import type { Cgroup } from "./command-cgroup.ts";
import { native, type Spawned } from "./native.ts";
import { endMsMax, type Tree } from "./tree.ts";

/** A command in a control group that it cannot leave: the kernel itself ends all of it and says when nobody is left. */
export class CgroupTree implements Tree {
  readonly exit: Promise<Exit>;
  readonly #pid: number;
  readonly #pidfd: Descriptor;
  readonly #cgroup: Cgroup;
  /** It was seen that nobody is left: then nobody can be born there any more. */
  #isEmpty = false;

  constructor({ pid, pidfd }: Spawned, cgroup: Cgroup) {
    this.#pid = pid;
    this.#cgroup = cgroup;
    this.#pidfd = new Descriptor(pidfd);
    this.exit = new Promise((resolve, reject) => this.#watch(pidfd, resolve, reject));
  }

  /** Until the release the command is at least a zombie, so that its pid and group are nobody else's. */
  signal(name: Signal): void {
    sendSignal(-this.#pid, name);
  }

  async end(): Promise<Termination> {
    const termination = await this.#end();
    this.#isEmpty = termination === "verified";
    return termination;
  }

  async #end(): Promise<Termination> {
    if (!this.#cgroup.isPopulated()) return "verified";
    this.#cgroup.kill();
    const deadline = performance.now() + endMsMax;
    for (let pauseMs = 1; this.#cgroup.isPopulated(); pauseMs = Math.min(pauseMs * 2, 50)) {
      if (performance.now() > deadline) return "bestEffort";
      await delay(pauseMs);
    }
    return "verified";
  }

  release(): boolean {
    const { fd } = this.#pidfd;
    if (fd !== undefined) native.reap(fd);
    this.#pidfd.close();
    if (!this.#isEmpty) return this.#cgroup.release();
    // Nobody is left to be looked after: whoever waits for the answer comes first.
    setImmediate(() => this.#cgroup.release(true));
    return true;
  }

  #watch(pidfd: number, resolve: (exit: Exit) => void, reject: (error: Error) => void): void {
    this.#pidfd.whenReadable(() => {
      const status = native.exitOf(pidfd);
      if (status === undefined) this.#watch(pidfd, resolve, reject);
      else if (typeof status === "number") reject(new ExecgateError("INTERNAL", "The exit of the command was taken by somebody else."));
      else resolve(toExit(status.code, status.signal));
    });
  }
}
