import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { getSystemErrorName } from "node:util";
import { lockMsMax } from "../descriptor/native.ts";
import { sendSignal } from "../signals.ts";
import { members, removeGroup } from "./cgroup-files.ts";
import { CommandCgroup, type TreeLimits } from "./command-cgroup.ts";
import type { Controller, Place } from "./hierarchies.ts";
import { native } from "./native.ts";

/** Groups that are kept for the next command; making and removing one takes as long as a hundred reads. */
const spareMax = 64;

/** How often members are moved out: one that was forked meanwhile is found in the next round. */
const moveRounds = 10;

/** Gives a control group to each command. All lie in one directory of this gateway in each place, which its guard removes at its end. */
export class Cgroups {
  readonly #places: readonly Place[];
  readonly #limits: TreeLimits;
  readonly #runName = `run-${process.pid}-${randomBytes(6).toString("hex")}`;
  readonly #spare: CommandCgroup[] = [];
  readonly #locks: number[] = [];
  #made = 0;
  #left = 0;

  /**
   * Makes this gateway's directories, and ends what gateways that are gone have left behind: a directory whose lock is free has no gateway.
   * @throws the system's error
   */
  constructor(places: readonly Place[], limits: TreeLimits) {
    this.#places = places;
    this.#limits = limits;
    for (const place of places) {
      for (const abandoned of this.#begin(place)) sweep(abandoned);
      removeEmpty(join(place.directory, "left"));
    }
  }

  /** The directories that hold every group of this gateway. */
  get directories(): readonly string[] {
    return this.#places.map((place) => this.#run(place));
  }

  /** Groups of version 1 are among them, in which nobody is born whose parent is not there. */
  get hasTenants(): boolean {
    return this.#places.some(({ version }) => version === 1);
  }

  /** @throws the system's error */
  take(): CommandCgroup {
    return this.#spare.pop() ?? this.#make();
  }

  /** Takes back a group that nobody stays in any more; what is not as good as new is removed. */
  giveBack(group: CommandCgroup): void {
    if (this.#spare.length < spareMax && group.isUnused()) this.#spare.push(group);
    else group.remove();
  }

  /** Lets go of the locks: from here on the groups belong to nobody. */
  close(): void {
    for (const lock of this.#locks.splice(0)) native.close(lock);
  }

  /**
   * Makes this gateway's directory, and locks those that have no gateway. Nobody else looks meanwhile, so that none is taken for
   * abandoned before it is locked. Where another holds all of them up for too long, they are left to the next start.
   */
  #begin(place: Place): Abandoned[] {
    const placeLock = native.lock(place.directory, lockMsMax);
    try {
      const run = this.#run(place);
      mkdirSync(run);
      this.#locks.push(locked(run));
      letBelow(run, place);
      return placeLock < 0 ? [] : abandonedIn(place.directory);
    } finally {
      if (placeLock >= 0) native.close(placeLock);
    }
  }

  #run(place: Place): string {
    return join(place.directory, this.#runName);
  }

  #make(): CommandCgroup {
    const name = String(++this.#made);
    const paths = this.#places.map((place) => join(this.#run(place), name));
    for (const [i, path] of paths.entries()) this.#makeGroup(path, this.#places[i] as Place);
    return new CommandCgroup(paths, this.#places, this.#limits, (group, isEmpty) => this.#takeBack(group, isEmpty));
  }

  #makeGroup(path: string, { version, controllers }: Place): void {
    mkdirSync(path, { recursive: true });
    for (const controller of controllers) {
      for (const [file, text] of settings(controller, version, this.#limits)) writeFileSync(join(path, file), text);
    }
  }

  #takeBack(group: CommandCgroup, isEmpty: boolean): void {
    if (!isEmpty) this.#moveOut(group);
    if (group.tenant === undefined) this.giveBack(group);
    // Whether nothing is left in it is looked at when the next command comes.
    else group.tenant.vacated(isEmpty && !group.isSpent);
  }

  /** What a command has left to live on goes where it is still limited, and is nobody's to end. */
  #moveOut(group: CommandCgroup): void {
    const name = `${this.#runName}-${++this.#left}`;
    try {
      const paths = this.#places.map((place) => join(place.directory, "left", name));
      for (const [i, place] of this.#places.entries()) {
        mkdirSync(join(place.directory, "left"), { recursive: true });
        letBelow(join(place.directory, "left"), place);
        removeEmpty(join(place.directory, "left"));
        this.#makeGroup(paths[i] as string, place);
      }
      for (let round = 0; round < moveRounds && group.isPopulated(); round++) group.moveTo(paths);
    } catch {
      // Where no further group can be made they stay where they are.
    }
  }
}

/** The files of a group that set its limit of one controller. */
function settings(controller: Controller, version: 1 | 2, limits: TreeLimits): [file: string, text: string][] {
  const { processesMax, memoryBytesMax, cpusMax } = limits;
  const quota = String(Math.max(1000, Math.round(cpusMax * 100_000)));
  if (controller === "pids") return [["pids.max", String(processesMax)]];
  if (controller === "memory") return [[version === 2 ? "memory.max" : "memory.limit_in_bytes", String(memoryBytesMax)]];
  if (version === 2) return [["cpu.max", `${quota} 100000`]];
  return [
    ["cpu.cfs_period_us", "100000"],
    ["cpu.cfs_quota_us", quota],
  ];
}

/** In version 2 a directory passes controllers on only when it is told to. */
function letBelow(directory: string, { version, controllers }: Place): void {
  if (version === 1 || controllers.length === 0) return;
  writeFileSync(join(directory, "cgroup.subtree_control"), controllers.map((controller) => `+${controller}`).join(" "));
}

/** The directory of a gateway that is gone, with its lock. */
interface Abandoned {
  readonly run: string;
  readonly lock: number;
}

function abandonedIn(directory: string): Abandoned[] {
  const runs = readdirSync(directory).filter((name) => name.startsWith("run-"));
  return runs.map((name) => ({ run: join(directory, name), lock: native.lock(join(directory, name), 0) })).filter(({ lock }) => lock >= 0);
}

/** Ends what a gateway has left behind, and removes its directory. */
function sweep({ run, lock }: Abandoned): void {
  for (const group of groupsIn(run)) for (const pid of members(group)) sendSignal(pid, "SIGKILL");
  void removeSoon(run);
  native.close(lock);
}

/** What was killed takes a moment to go. What cannot go is left to the next start. */
async function removeSoon(run: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    removeEmpty(run);
    if (removeGroup(run)) return;
    await delay(20, undefined, { ref: false });
  }
}

function locked(directory: string): number {
  const fd = native.lock(directory, 0);
  if (fd < 0) throw new Error(`${directory} cannot be locked (${getSystemErrorName(fd)})`);
  return fd;
}

function groupsIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  } catch {
    return [];
  }
}

function removeEmpty(directory: string): void {
  for (const group of groupsIn(directory)) removeGroup(group);
}
