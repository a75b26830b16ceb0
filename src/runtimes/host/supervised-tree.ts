import { constants } from "node:os";
import { ExecgateError } from "../../errors.ts";
import type { Exit, Signal, Termination } from "../../exec/runtime.ts";
import { Descriptor, isAgain } from "../descriptor/descriptor.ts";
import { toExit } from "../signals.ts";
import type { Cgroup } from "./command-cgroup.ts";
import { native, type Spawned } from "./native.ts";
import { endMsMax, type Tree } from "./tree.ts";

/** What the supervisor reports and takes, as in native/supervisor.h. */
const reportBytes = 12;
const exited = 3;
const gone = 4;
const orderLeave = 0;
const orderEnd = 255;

/**
 * A command under a supervisor, the parent of whatever loses its own: it knows when nobody is left, and ends all of it
 * when the gateway is gone. A command of the supervisor's own user may kill it: then what is left can only be guessed.
 */
export class SupervisedTree implements Tree {
  readonly exit: Promise<Exit>;
  readonly #supervisor: Descriptor;
  readonly #control: Descriptor;
  readonly #cgroup: Cgroup | undefined;
  readonly #over: Promise<Termination>;
  #isGone = false;
  #say!: { exited: (exit: Exit) => void; lost: (error: Error) => void; over: (termination: Termination) => void };

  constructor({ pidfd, control }: Spawned, cgroup: Cgroup | undefined) {
    this.#supervisor = new Descriptor(pidfd);
    this.#control = new Descriptor(control);
    this.#cgroup = cgroup;
    let over: (termination: Termination) => void = () => undefined;
    this.#over = new Promise((resolve) => {
      over = resolve;
    });
    this.exit = new Promise((resolve, reject) => {
      this.#say = { exited: resolve, lost: reject, over };
    });
    this.#listen();
  }

  signal(name: Signal): void {
    this.#order(constants.signals[name]);
  }

  async end(): Promise<Termination> {
    this.#order(orderEnd);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Termination>((resolve) => {
      timer = setTimeout(resolve, endMsMax, "bestEffort");
    });
    const termination = await Promise.race([this.#over, late]);
    clearTimeout(timer);
    if (termination === "bestEffort") this.#giveUp();
    return termination;
  }

  release(): boolean {
    this.#order(orderLeave);
    this.#control.close();
    this.#say.over("bestEffort");
    // Before anybody can end the group; a group that only the supervisor is in can be used again when that has exited.
    if (!this.#isGone) this.#cgroup?.release();
    this.#supervisor.whenReadable(() => {
      const { fd } = this.#supervisor;
      if (fd !== undefined) native.reap(fd);
      this.#supervisor.close();
      if (this.#isGone) this.#cgroup?.release();
    });
    return this.#isGone;
  }

  /** A command of the supervisor's user can stop it: each order lets it go on. */
  #order(order: number): void {
    this.#signalSupervisor("SIGCONT");
    this.#control.write(Uint8Array.of(order), 0, 1);
  }

  /** A supervisor that does not do its work is ended, and its command with it; where there is a control group, so is the rest. */
  #giveUp(): void {
    this.#cgroup?.kill();
    this.#signalSupervisor("SIGKILL");
  }

  #signalSupervisor(name: "SIGCONT" | "SIGKILL"): void {
    const { fd } = this.#supervisor;
    if (fd !== undefined) native.signal(fd, constants.signals[name]);
  }

  #listen(): void {
    this.#control.whenReadable(() => {
      const report = Buffer.alloc(reportBytes);
      for (let length = this.#control.read(report, reportBytes); !isAgain(length); length = this.#control.read(report, reportBytes)) {
        if (length !== reportBytes) return this.#lose();
        this.#hear(report.readInt32LE(0), report.readInt32LE(4), report.readInt32LE(8));
      }
      this.#listen();
    });
  }

  #hear(kind: number, first: number, second: number): void {
    if (kind === exited) this.#say.exited(toExit(first, second === 0 ? null : second));
    if (kind !== gone) return;
    this.#isGone = true;
    this.#say.over("verified");
  }

  /** The supervisor was ended by somebody else, and the command with it; where there is a control group it has the rest. */
  #lose(): void {
    this.#cgroup?.kill();
    this.#say.lost(new ExecgateError("INTERNAL", "The supervisor of the command was ended by somebody else."));
    this.#say.over("bestEffort");
  }
}
