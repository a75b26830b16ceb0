import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Termination } from "../../exec/runtime.ts";
import { Entry } from "./entry.ts";
import { findHierarchy } from "./hierarchy.ts";
import { Lifeline } from "./lifeline.ts";

/** How long an end is waited for, milliseconds. What is frozen, or waits for a disk, does not end before it goes on. */
const endMsMax = 3500;

/**
 * Control groups of execs, each below the one of its container, so that the container's limits hold for it as before. Only where the
 * gateway is root on the container's own machine and has the hierarchy of version 2.
 *
 * Their files are in the kernel's memory: a read takes microseconds, where the thread pool would take a millisecond. Only the entry of
 * a process is waited for elsewhere, because it may take ten.
 */
export class ContainerCgroups {
  readonly #mount: string | null;
  readonly #lifeline: Lifeline;
  readonly #entry: Entry;

  /** @param mount where the hierarchy is mounted; null: it cannot be used */
  constructor(mount: string | null = findHierarchy()) {
    this.#mount = mount;
    this.#lifeline = new Lifeline();
    this.#entry = new Entry(mount);
  }

  /** Whether there is a hierarchy that can be used. */
  get isThere(): boolean {
    return this.#mount !== null;
  }

  /**
   * Makes a group for one exec; undefined where that cannot be.
   * @param pid of the container's first process
   * @param id the container's own, which the path of its group has in it: proof that the pid is of this machine
   */
  open(pid: number, id: string, mark: string): ExecCgroup | undefined {
    if (this.#mount === null || pid <= 0) return undefined;
    try {
      const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
      if (!path?.includes(id)) return undefined;
      const parent = join(this.#mount, path);
      this.#lifeline.guard(parent);
      const directory = join(parent, this.#lifeline.groupName(mark));
      mkdirSync(directory);
      return new ExecCgroup(directory, parent, namespacePids(String(pid)).length, this.#entry.expect());
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#lifeline.close();
  }
}

/** The group of one exec: whoever is forked in it stays in it, the kernel ends all of it at once and says when nobody is left. */
export class ExecCgroup {
  readonly #directory: string;
  readonly #parent: string;
  readonly #depth: number;
  readonly #expected: () => void;

  /**
   * @param depth how many pid namespaces the container's processes are in
   * @param expected called when nobody is about to enter any more
   */
  constructor(directory: string, parent: string, depth: number, expected: () => void) {
    this.#directory = directory;
    this.#parent = parent;
    this.#depth = depth;
    this.#expected = expected;
  }

  /** The pid on this machine of the container's process that is `pid` to the container; undefined when there is none. */
  find(pid: number): number | undefined {
    const found = members(this.#parent).find((member) => {
      const pids = namespacePids(member);
      return pids.length === this.#depth && pids.at(-1) === String(pid);
    });
    return found === undefined ? undefined : Number(found);
  }

  /** Takes a process in. It must not have forked yet. @throws Error when it is gone, or the kernel refuses */
  async enter(pid: number): Promise<void> {
    // To the kernel 0 is whoever writes it.
    if (pid <= 1) throw new Error(`${pid} is no process of a container`);
    await writeFile(join(this.#directory, "cgroup.procs"), String(pid)).finally(this.#expected);
  }

  /** Ends everybody in it. */
  async kill(): Promise<Termination> {
    const deadline = performance.now() + endMsMax;
    for (let pauseMs = 1; this.#isPopulated(); pauseMs = Math.min(pauseMs * 2, 50)) {
      if (performance.now() > deadline) return "bestEffort";
      tryTo(() => writeFileSync(join(this.#directory, "cgroup.kill"), "1"));
      await delay(pauseMs);
    }
    return "verified";
  }

  /** Removes the group. Who is still in it is given back to the container. */
  async release(): Promise<void> {
    this.#expected();
    for (const pid of members(this.#directory)) tryTo(() => writeFileSync(join(this.#parent, "cgroup.procs"), pid));
    // A process that has just ended may be in it for a moment longer.
    for (let tries = 0; tries < 10 && tryTo(() => rmdirSync(this.#directory)) === "EBUSY"; tries++) await delay(5 << tries);
  }

  #isPopulated(): boolean {
    let events = "";
    tryTo(() => {
      events = readFileSync(join(this.#directory, "cgroup.events"), "utf8");
    });
    return events.includes("populated 1");
  }
}

/** The processes of a group, without those of groups below it. */
function members(directory: string): string[] {
  let text = "";
  tryTo(() => {
    text = readFileSync(join(directory, "cgroup.procs"), "utf8");
  });
  return text.split("\n").filter((line) => line !== "");
}

/** What a process is called in each pid namespace that it is in, the innermost last. */
function namespacePids(pid: string): string[] {
  let status = "";
  tryTo(() => {
    status = readFileSync(`/proc/${pid}/status`, "latin1");
  });
  return /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
}

/** The code of the error, where what was tried failed because somebody or something had gone meanwhile. */
function tryTo(step: () => void): string | undefined {
  try {
    step();
    return undefined;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? "unknown";
  }
}
