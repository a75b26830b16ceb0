import { ExecgateError } from "../../errors.ts";
import type { Account } from "./account.ts";
import { CgroupTree } from "./cgroup-tree.ts";
import { Cgroups } from "./cgroups.ts";
import type { TreeLimits } from "./command-cgroup.ts";
import { Guard } from "./guard.ts";
import { type Controller, findPlaces, type Place } from "./hierarchies.ts";
import { Launchers } from "./launchers.ts";
import { type Bounds, type Launch, type Spawned, supervisorPath } from "./native.ts";
import { SupervisedTree } from "./supervised-tree.ts";
import type { Tree } from "./tree.ts";

/** What a command is kept from, and what it may use. */
export interface IsolationOptions extends TreeLimits {
  readonly noNewPrivileges: boolean;
  /** Files that each process may have open; 0 leaves the gateway's own hard limit. */
  readonly openFilesMax: number;
}

/** What a login gives; Node raises its own limit, and programs that close "all" descriptors walk up to it. */
const openFilesSoft = 1024;

/**
 * Keeps the processes of each command together and within their limits. What the machine allows is found out once, at
 * the start: a control group holds whoever cannot leave it, which the kernel ends at once and proves to be empty;
 * everybody else gets a supervisor.
 */
export class Isolation {
  /** What holds on this machine, in short words. */
  readonly facts: Readonly<Record<string, string>>;
  readonly #options: IsolationOptions;
  readonly #cgroups: Cgroups | undefined;
  readonly #guard: Guard | undefined;
  /** What starts commands that a control group holds, and what starts all others; the latter from when there is one. */
  readonly #confined: Launchers | undefined;
  #others: Launchers | undefined;
  readonly #holdsByCgroup: boolean;
  readonly #limitsUser: boolean;

  /** @throws NOT_SUPPORTED when a limit was asked for that this machine cannot keep */
  constructor(options: IsolationOptions) {
    this.#options = options;
    const isRoot = process.geteuid?.() === 0;
    const places = findPlaces(wantedControllers(options));
    this.#cgroups = places.length > 0 ? new Cgroups(places, options) : undefined;
    this.#guard = this.#cgroups && new Guard(this.#cgroups.directories);
    this.#holdsByCgroup = isRoot && places[0]?.canKill === true;
    if (this.#holdsByCgroup && options.noNewPrivileges) this.#confined = new Launchers(this.#cgroups, true);
    else this.#others = new Launchers(this.#cgroups, false);
    this.#limitsUser = options.processesMax > 0 && !isControlled(places, "pids");
    requireController(places, "memory", options.memoryBytesMax, "limits.memoryBytesPerSessionMax");
    requireController(places, "cpu", options.cpusMax, "limits.cpusPerSessionMax");
    this.facts = {
      tree: this.#holdsByCgroup ? "cgroup" : "supervisor",
      termination: isRoot ? "verified" : "verified, or bestEffort when the command ends its supervisor, which has its user",
      processes: this.#limitsUser ? "limited by user" : say(places, "pids", options.processesMax),
      memory: say(places, "memory", options.memoryBytesMax),
      cpu: say(places, "cpu", options.cpusMax),
    };
  }

  /**
   * Starts a command, with what holds its processes.
   * @param others how many commands run beside it
   * @throws SpawnError, the signal's reason, and the system's error when no control group can be made; nothing is left then
   */
  async spawn(
    account: Account,
    launch: Launch,
    others: number,
    signal: AbortSignal,
  ): Promise<{ readonly spawned: Spawned; readonly tree: Tree }> {
    const isHeld = this.#holdsByCgroup && !this.#canLeave(account);
    const bounds: Bounds = {
      noNewPrivileges: this.#options.noNewPrivileges,
      diesWithGateway: true,
      openFilesSoft,
      openFilesMax: this.#options.openFilesMax,
      processesMax: this.#limitsUser ? this.#options.processesMax * (others + 1) : 0,
      supervisor: isHeld ? undefined : supervisorPath,
    };
    const { spawned, cgroup } = await this.#launchersOf(isHeld).spawn(launch, bounds, signal);
    return { spawned, tree: isHeld && cgroup ? new CgroupTree(spawned, cgroup) : new SupervisedTree(spawned, cgroup) };
  }

  /** Ends whatever is left in the control groups, and removes them. */
  close(): void {
    this.#confined?.close();
    this.#others?.close();
    this.#cgroups?.close();
    this.#guard?.close();
  }

  #launchersOf(isHeld: boolean): Launchers {
    if (isHeld && this.#confined !== undefined) return this.#confined;
    this.#others ??= new Launchers(this.#cgroups, false);
    return this.#others;
  }

  /** The files of a control group are the gateway's: root, or who may become root, can write itself elsewhere. */
  #canLeave(account: Account): boolean {
    return account.uid === 0 || !this.#options.noNewPrivileges;
  }
}

function wantedControllers({ processesMax, memoryBytesMax, cpusMax }: TreeLimits): Controller[] {
  const wanted: [Controller, number][] = [
    ["pids", processesMax],
    ["memory", memoryBytesMax],
    ["cpu", cpusMax],
  ];
  return wanted.flatMap(([controller, limit]) => (limit > 0 ? [controller] : []));
}

function isControlled(places: readonly Place[], controller: Controller): boolean {
  return places.some(({ controllers }) => controllers.includes(controller));
}

function requireController(places: readonly Place[], controller: Controller, limit: number, key: string): void {
  if (limit === 0 || isControlled(places, controller)) return;
  throw new ExecgateError("NOT_SUPPORTED", `the gateway has no ${controller} controller on this machine; leave it at 0.`, { field: key });
}

function say(places: readonly Place[], controller: Controller, limit: number): string {
  const place = places.find(({ controllers }) => controllers.includes(controller));
  return place ? `${limit} by cgroup v${place.version}` : "unlimited";
}
