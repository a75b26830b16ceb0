import { readFileSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Termination } from "../../exec/runtime.ts";
import { Lifeline } from "./lifeline.ts";

/** How long an end is waited for, milliseconds. What is frozen, or waits for a disk, does not end before it goes on. */
const endMsMax = 4000;

/**
 * Control groups of execs, each below the one of its container, so that the container's limits hold for it as before. Only where the
 * gateway is root on the container's own machine and has the hierarchy of version 2.
 */
export class ContainerCgroups {
  readonly #mount: string | null;
  readonly #lifeline: Lifeline;

  /** @param mount where the hierarchy is mounted; null: it cannot be used */
  constructor(mount: string | null = process.getuid?.() === 0 ? findMount() : null) {
    this.#mount = mount;
    this.#lifeline = new Lifeline();
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
  async open(pid: number, id: string, mark: string): Promise<ExecCgroup | undefined> {
    if (this.#mount === null || pid <= 0) return undefined;
    try {
      const path = /^0::(.*)$/m.exec(await readFile(`/proc/${pid}/cgroup`, "utf8"))?.[1];
      if (!path?.includes(id)) return undefined;
      const parent = join(this.#mount, path);
      this.#lifeline.guard(parent);
      const directory = join(parent, this.#lifeline.groupName(mark));
      await mkdir(directory);
      return new ExecCgroup(directory, parent);
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

  constructor(directory: string, parent: string) {
    this.#directory = directory;
    this.#parent = parent;
  }

  /** Takes a process in. It must not have forked yet. @throws Error when it is gone, or the kernel refuses */
  async enter(pid: number): Promise<void> {
    // To the kernel 0 is whoever writes it.
    if (pid <= 1) throw new Error(`${pid} is no process of a container`);
    await writeFile(join(this.#directory, "cgroup.procs"), String(pid));
  }

  /** Ends everybody in it. */
  async kill(): Promise<Termination> {
    const deadline = performance.now() + endMsMax;
    for (let pauseMs = 1; await this.#isPopulated(); pauseMs = Math.min(pauseMs * 2, 50)) {
      if (performance.now() > deadline) return "bestEffort";
      await writeFile(join(this.#directory, "cgroup.kill"), "1").catch(() => undefined);
      await delay(pauseMs);
    }
    return "verified";
  }

  /** Removes the group. Who is still in it is given back to the container. */
  async release(): Promise<void> {
    for (const pid of await this.#members()) await writeFile(join(this.#parent, "cgroup.procs"), pid).catch(() => undefined);
    // A process that has just ended may be in it for a moment longer.
    for (let tries = 0; tries < 10 && !(await this.#isRemoved()); tries++) await delay(5 << tries);
  }

  async #isRemoved(): Promise<boolean> {
    return await rmdir(this.#directory).then(
      () => true,
      (cause: NodeJS.ErrnoException) => cause.code !== "EBUSY",
    );
  }

  async #isPopulated(): Promise<boolean> {
    const events = await readFile(join(this.#directory, "cgroup.events"), "utf8").catch(() => "populated 0");
    return events.includes("populated 1");
  }

  async #members(): Promise<string[]> {
    const text = await readFile(join(this.#directory, "cgroup.procs"), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }
}

/** Where the hierarchy of version 2 is mounted. */
function findMount(): string | null {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.find((line) => / - cgroup2 /.test(line))?.split(" ")[4] ?? null;
}
