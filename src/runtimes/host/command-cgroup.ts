import { closeSync, existsSync, openSync, write as writeTo } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { sendSignal } from "../signals.ts";
import { members, removeGroup, write } from "./cgroup-files.ts";
import type { Controller, Place } from "./hierarchies.ts";
import { native } from "./native.ts";

/** What one command and all that it brings forth may use together; 0 is no limit. */
export interface TreeLimits {
  readonly processesMax: number;
  readonly memoryBytesMax: number;
  /** Processors' worth of time, fractions allowed. */
  readonly cpusMax: number;
}

/** The control groups that one command runs in, one in each place. */
export interface Cgroup {
  /** The directory of version 2 that a command is born in. */
  readonly birthplace: string | undefined;
  isPopulated(): boolean;
  /** Kills every member. */
  kill(): void;
  /**
   * Gives the group back; processes that are still there are moved out and left alone. True when there are none.
   * @param isEmpty when that is known already
   */
  release(isEmpty?: boolean): boolean;
}

/**
 * Who stays in the groups of version 1 that a command is to be born in: a thread of the gateway, whose children are where it
 * is. A command has its whole limits beside it.
 */
export interface Tenant {
  readonly tid: number;
  /** The command's group was given back: the next command may find it unused, or it is to be left. */
  vacated(isUsable: boolean): void;
}

/** The part of its memory that a group may still hold when it is given to the next command: files that the last one left in memory count. */
const residueMax = 1 / 8;

/** The groups of one command, and who stays in those of version 1. */
export class CommandCgroup implements Cgroup {
  readonly birthplace: string | undefined;
  tenant: Tenant | undefined;
  /** Kernels from 6.14 on kill at once whoever is born in a group that was killed before. */
  isSpent = false;
  readonly #limits: TreeLimits;
  /** Where those of version 1 take in a thread, and where its being there is added to the limit of processes. */
  readonly #threadFiles: readonly string[];
  readonly #limitFile: string | undefined;
  /** Those of the thread files in whose groups nobody counts processes. */
  readonly #uncounted: readonly string[];
  readonly #paths: readonly string[];
  readonly #path: string;
  /** Where the kernel says whether there are members, and takes the order to kill them; undefined where it does neither. */
  readonly #eventsFile: string | undefined;
  readonly #killFile: string | undefined;
  /** Where the kernel counts the members that use up the limit of processes. */
  readonly #countFile: string | undefined;
  /** Where it counts the memory that is in use, and how much of that the next command may find. */
  readonly #memoryFile: string | undefined;
  readonly #residueBytesMax: number;
  readonly #onRelease: (group: CommandCgroup, isEmpty: boolean) => void;

  /** @param paths one in each of `places` */
  constructor(
    paths: readonly string[],
    places: readonly Place[],
    limits: TreeLimits,
    onRelease: (group: CommandCgroup, isEmpty: boolean) => void,
  ) {
    const isOld = (at: number): boolean => places[at]?.version === 1;
    this.birthplace = paths.find((_path, i) => !isOld(i));
    this.#limits = limits;
    this.#threadFiles = paths.filter((_path, i) => isOld(i)).map((path) => join(path, "tasks"));
    const limited = paths.find((_path, i) => isOld(i) && places[i]?.controllers.includes("pids"));
    this.#limitFile = limited && join(limited, "pids.max");
    this.#uncounted = this.#threadFiles.filter((file) => limited === undefined || file !== join(limited, "tasks"));
    this.#paths = paths;
    this.#path = paths[0] ?? "";
    const canKill = places[0]?.canKill === true;
    this.#eventsFile = canKill ? join(this.#path, "cgroup.events") : undefined;
    this.#killFile = canKill ? join(this.#path, "cgroup.kill") : undefined;
    const fileOf = (controller: Controller, names: Readonly<Record<1 | 2, string>>): string | undefined => {
      const at = places.findIndex(({ controllers }) => controllers.includes(controller));
      const place = places[at];
      return place && join(paths[at] as string, names[place.version]);
    };
    this.#countFile = fileOf("pids", { 1: "pids.current", 2: "pids.current" });
    this.#memoryFile = fileOf("memory", { 1: "memory.usage_in_bytes", 2: "memory.current" });
    this.#residueBytesMax = limits.memoryBytesMax * residueMax;
    this.#onRelease = onRelease;
  }

  /** Takes the tenant in. To enter a group the kernel may wait for 12 ms. @throws the system's error */
  async admit(tenant: Tenant): Promise<void> {
    this.tenant = tenant;
    this.#limitProcesses(1);
    for (const file of this.#threadFiles) await enter(file, tenant.tid);
  }

  /** The tenant is about to go: what the command may use is its own from here on. */
  dismiss(): void {
    this.#limitProcesses(0);
  }

  isPopulated(): boolean {
    if (this.#eventsFile === undefined) return members(this.#path).length > 0;
    const events = native.readWords(this.#eventsFile);
    // Without a descriptor to look it is not known; a group that was removed was empty.
    return events === undefined ? existsSync(this.#path) : events.includes("populated 1");
  }

  kill(): void {
    this.isSpent = true;
    if (this.#killFile !== undefined && write(this.#killFile, "1")) return;
    for (const pid of members(this.#path)) sendSignal(pid, "SIGKILL");
  }

  release(isEmpty = !this.isPopulated()): boolean {
    this.#onRelease(this, isEmpty);
    return isEmpty;
  }

  /**
   * Whether the next command has its whole limits in it: not even a zombie is left, which counts against the limit of
   * processes until its parent looks at it, and hardly any memory; and whether the tenant, if it has one, is still there.
   */
  isUnused(): boolean {
    if (this.isSpent || !this.#hasTenant()) return false;
    if (this.#memoryFile !== undefined && !(Number(native.readWords(this.#memoryFile) ?? Number.NaN) <= this.#residueBytesMax))
      return false;
    if (this.#countFile === undefined) return !this.isPopulated();
    return native.readWords(this.#countFile) === `${this.#limitFile !== undefined && this.tenant !== undefined ? 1 : 0}\n`;
  }

  /** Where processes are counted the count tells. */
  #hasTenant(): boolean {
    const { tenant } = this;
    return tenant === undefined || this.#uncounted.every((file) => native.readWords(file) === `${tenant.tid}\n`);
  }

  moveTo(paths: readonly string[]): void {
    for (const [i, path] of this.#paths.entries()) {
      // Who has ended meanwhile cannot be moved.
      for (const pid of members(path)) write(join(paths[i] as string, "cgroup.procs"), String(pid));
    }
  }

  remove(): void {
    for (const path of this.#paths) removeGroup(path);
  }

  #limitProcesses(tenants: number): void {
    if (this.#limitFile !== undefined) write(this.#limitFile, String(this.#limits.processesMax + tenants));
  }
}

/** Of the three calls only the write may wait; each that is made elsewhere would take a turn of the event loop. */
async function enter(file: string, tid: number): Promise<void> {
  const fd = openSync(file, "w");
  try {
    await promisify(writeTo)(fd, String(tid));
  } finally {
    closeSync(fd);
  }
}
