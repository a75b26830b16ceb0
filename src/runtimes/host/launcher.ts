import { constants } from "node:os";
import type { CommandCgroup, Tenant } from "./command-cgroup.ts";
import { type Birthplace, type Bounds, type Launch, native, type Spawned, type SpawnFailure } from "./native.ts";
import { SpawnError } from "./spawn-error.ts";

/** A thread that starts commands, and the group that it stays in, where there is one to be stayed in. */
export class Launcher implements Tenant {
  readonly tid: number;
  readonly #thread: InstanceType<typeof native.Launcher>;
  readonly #onVacated: (launcher: Launcher) => void;
  cgroup: CommandCgroup | undefined;
  /** Where it is to go, or could not: part of it may be there already, and it is tried again. */
  #destination: CommandCgroup | undefined;
  /** The command has given its group back. */
  #isVacant = false;
  /** Where it is no command can be born: the group cannot be used again, or it did not come whole into another. */
  isAstray = false;

  /** @throws SpawnError when there can be no further thread */
  constructor(isConfined: boolean, onVacated: (launcher: Launcher) => void) {
    try {
      this.#thread = new native.Launcher(isConfined);
    } catch {
      throw new SpawnError({ errno: constants.errno.EAGAIN, stage: "clone" });
    }
    this.tid = this.#thread.tid;
    this.#onVacated = onVacated;
  }

  spawn(launch: Launch, bounds: Bounds, birthplace: Birthplace): Promise<Spawned | SpawnFailure> {
    this.#isVacant = false;
    return new Promise((resolve) => this.#thread.spawn(launch, bounds, birthplace, resolve));
  }

  /**
   * Goes over into another group, which `take` gives. Returns the one that it has left, if that is nobody's any more.
   * @throws the system's error; when it was on its way by then it is astray
   */
  async move(take: () => CommandCgroup): Promise<CommandCgroup | undefined> {
    const from = this.cgroup;
    const to = this.#destination ?? take();
    this.#destination = to;
    this.isAstray = true;
    from?.dismiss();
    await to.admit(this);
    if (from !== undefined) from.tenant = undefined;
    const isLeft = this.#isVacant;
    this.cgroup = to;
    this.#destination = undefined;
    this.isAstray = false;
    return isLeft ? from : undefined;
  }

  vacated(isUsable: boolean): void {
    this.#isVacant = true;
    if (!isUsable) this.isAstray = true;
    this.#onVacated(this);
  }

  /** Ends the thread, when it has started what it is at. */
  close(): void {
    this.#thread.close();
  }
}
