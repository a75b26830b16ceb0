import { availableParallelism } from "node:os";
import type { Cgroups } from "./cgroups.ts";
import type { Cgroup } from "./command-cgroup.ts";
import { Launcher } from "./launcher.ts";
import type { Bounds, Launch, Spawned } from "./native.ts";
import { SpawnError } from "./spawn-error.ts";

/** So many commands can begin and end all the time without a thread that has to go over into another group. */
const stayingMax = 32;

/** So many go over at a time: the kernel lets them in one by one. */
const settlingMax = 8;

interface Waiter {
  readonly resolve: (launcher: Launcher) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * The threads that start commands. In hierarchies of version 1 nobody can be born in a group but where its parent is: there each
 * thread stays in the group of the next command, one of them at least in a group that is free, and those of commands that
 * go on for long are taken over into new groups, before they are needed.
 */
export class Launchers {
  readonly #cgroups: Cgroups | undefined;
  readonly #isConfined: boolean;
  readonly #max: number;
  readonly #free: Launcher[] = [];
  /** Those that stay where a command is, or was; the oldest first. */
  readonly #taken = new Set<Launcher>();
  readonly #all = new Set<Launcher>();
  /** Who waits for one, in their order. */
  readonly #waiters = new Set<Waiter>();
  #settling = 0;
  #isClosed = false;

  /** @param isConfined what they start can never be another user again, nor gain anything else */
  constructor(cgroups: Cgroups | undefined, isConfined: boolean) {
    this.#cgroups = cgroups;
    this.#isConfined = isConfined;
    this.#max = cgroups?.hasTenants ? stayingMax : Math.max(2, availableParallelism());
    this.#replenish();
  }

  /**
   * Starts a command in a group of its own. Whose signal is aborted while a thread is waited for has nothing started.
   * @throws SpawnError, the system's error, and the signal's reason; nothing is left then
   */
  async spawn(
    launch: Launch,
    bounds: Bounds,
    signal: AbortSignal,
  ): Promise<{ readonly spawned: Spawned; readonly cgroup: Cgroup | undefined }> {
    const launcher = this.#take() ?? (await this.#wait(signal));
    let cgroup: Cgroup | undefined;
    try {
      cgroup = launcher.cgroup ?? this.#cgroups?.take();
      const spawned = await launcher.spawn(launch, bounds, cgroup?.birthplace);
      if (!("pid" in spawned)) throw new SpawnError(spawned);
      this.#launched(launcher);
      return { spawned, cgroup };
    } catch (cause) {
      this.#launched(launcher);
      cgroup?.release();
      throw cause;
    }
  }

  /** Ends the threads. What they have started is gone, or not to die with the gateway. */
  close(): void {
    this.#isClosed = true;
    for (const launcher of this.#all) launcher.close();
  }

  /** One that is free, and where it is thought to be: who moves the gateway into another group moves its threads too. */
  #take(): Launcher | undefined {
    for (let launcher = this.#free.pop(); launcher !== undefined; launcher = this.#free.pop()) {
      if (isOfUse(launcher)) return launcher;
      this.#taken.add(launcher);
    }
    return undefined;
  }

  #wait(signal: AbortSignal): Promise<Launcher> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve: (launcher) => {
          signal.removeEventListener("abort", leave);
          resolve(launcher);
        },
        reject: (cause) => {
          signal.removeEventListener("abort", leave);
          reject(cause);
        },
      };
      const leave = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiters.add(waiter);
      this.#replenish();
    });
  }

  /** The one that has waited for longest, who waits no more. */
  #nextWaiter(): Waiter | undefined {
    const [first] = this.#waiters;
    if (first !== undefined) this.#waiters.delete(first);
    return first;
  }

  #launched(launcher: Launcher): void {
    if (launcher.cgroup === undefined) this.#give(launcher);
    else this.#taken.add(launcher);
    this.#replenish();
  }

  /** Whoever waits gets it, unless it is to go over into another group first. */
  #vacated(launcher: Launcher): void {
    if (launcher.isAstray || !this.#taken.delete(launcher)) return;
    if (this.#waiters.size === 0 || isOfUse(launcher)) this.#give(launcher);
    else {
      this.#taken.add(launcher);
      this.#replenish();
    }
  }

  #give(launcher: Launcher): void {
    const waiter = this.#nextWaiter();
    if (waiter === undefined) this.#free.push(launcher);
    else waiter.resolve(launcher);
  }

  /** Sees to it that there will be one for each who waits, and else one that is free. Who waits is told when that fails. */
  #replenish(): void {
    const wanted = Math.max(this.#waiters.size, this.#free.length === 0 ? 1 : 0);
    for (let missing = Math.min(wanted, settlingMax) - this.#settling; missing > 0 && !this.#isClosed; missing--) {
      try {
        const launcher = this.#next();
        if (launcher === undefined) return;
        this.#settling++;
        void this.#settle(launcher);
      } catch (cause) {
        this.#nextWaiter()?.reject(cause);
      }
    }
  }

  /** A new one, or the one that has been with its command for longest; undefined while all are at work. */
  #next(): Launcher | undefined {
    if (this.#all.size < this.#max) {
      const launcher = new Launcher(this.#isConfined, (vacated) => this.#vacated(vacated));
      this.#all.add(launcher);
      return launcher;
    }
    const [oldest] = this.#taken;
    if (oldest !== undefined) this.#taken.delete(oldest);
    return oldest;
  }

  /** Brings one into a free group, where it is to stay in one. */
  async #settle(launcher: Launcher): Promise<void> {
    try {
      const cgroups = this.#cgroups;
      const left = cgroups?.hasTenants ? await launcher.move(() => cgroups.take()) : undefined;
      if (left !== undefined) cgroups?.giveBack(left);
      this.#settling--;
      this.#give(launcher);
    } catch (cause) {
      this.#settling--;
      this.#taken.add(launcher);
      this.#nextWaiter()?.reject(cause);
    }
    if (this.#waiters.size > 0) this.#replenish();
  }
}

/** Whether the next command has its whole limits where this one is. */
function isOfUse({ cgroup }: Launcher): boolean {
  return cgroup?.isUnused() ?? true;
}
