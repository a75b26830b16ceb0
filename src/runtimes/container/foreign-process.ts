import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Exit, Signal } from "../../exec/runtime.ts";
import { Descriptor } from "../descriptor/descriptor.ts";
import { addon } from "../descriptor/native.ts";
import { sendSignal, toExit } from "../signals.ts";

/** How long a process may be a zombie before it is said that nobody tells how it ended, milliseconds. */
const reapedMsMax = 1000;

/** A process of a container that runs on this machine, seen from outside of the container. Descriptors keep its pid from being mistaken. */
export class ForeignProcess {
  readonly #pid: number;
  readonly #pidfd: Descriptor;
  /** Settles when it has ended: how, or undefined where the kernel does not tell (before 6.15). */
  readonly ended: Promise<Exit | undefined>;

  /** @returns undefined when it is not there any more */
  static open(pid: number): ForeignProcess | undefined {
    const pidfd = addon.openProcess(pid);
    return pidfd < 0 ? undefined : new ForeignProcess(pid, pidfd);
  }

  private constructor(pid: number, pidfd: number) {
    this.#pid = pid;
    this.#pidfd = new Descriptor(pidfd);
    this.ended = new Promise<void>((resolve) => this.#pidfd.whenReadable(resolve)).then(() => this.#readExit());
  }

  /** To the foreground group of its terminal, or to its own group, which is called by its pid as every exec leads a session. */
  async signal(name: Signal, isTerminal: boolean): Promise<void> {
    const group = isTerminal ? await foregroundGroup(this.#pid) : this.#pid;
    if (this.#pidfd.fd !== undefined && group > 1) sendSignal(-group, name);
  }

  close(): void {
    this.#pidfd.close();
  }

  async #readExit(): Promise<Exit | undefined> {
    const deadline = performance.now() + reapedMsMax;
    for (let pauseMs = 1; performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 50)) {
      const { fd } = this.#pidfd;
      const end = fd === undefined ? -1 : addon.endOf(fd);
      if (typeof end === "number") return undefined;
      if (end !== undefined) return toExit(end.code, end.signal);
      await delay(pauseMs);
    }
    return undefined;
  }
}

/** The process group that has the terminal of `pid`; 0 when there is none. */
async function foregroundGroup(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // After the name, which may have anything in it: state, parent, group, session, terminal, foreground group.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[5] ?? 0);
}
