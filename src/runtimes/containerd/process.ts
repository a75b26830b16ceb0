import type { Exit, OutputSource, Process, Signal, Size, Termination } from "../../exec/runtime.ts";
import type { ForeignProcess } from "../container/foreign-process.ts";
import { fromStatus, isAmbiguous } from "../container/status.ts";
import { Descriptor } from "../descriptor/descriptor.ts";
import { Reader } from "../descriptor/reader.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import type { Exec } from "./exec.ts";
import type { FifoInput } from "./input.ts";
import type { MarkedTree } from "./marked-tree.ts";

/** What a command in a container is made of. */
export interface Parts {
  readonly exec: Exec;
  /** Settles with the exit status; rejects when that will not be known. */
  readonly status: Promise<number>;
  readonly tree: MarkedTree;
  /** What containerd says is the command's process, if this machine has one of this number. */
  readonly onMachine: ForeignProcess | undefined;
  /** Undefined where stdin is at its end from the start. */
  readonly input: FifoInput | undefined;
  /** Our ends of the FIFOs of stdout, and of stderr where that is apart. */
  readonly outputs: readonly number[];
  readonly isTerminal: boolean;
}

const outputNames = ["stdout", "stderr"] as const;

/** How long output that the daemon's helper has taken from the command may be on its way, milliseconds. */
const onItsWayMs = 50;

/** A command in a container: its FIFOs, the exec process of containerd, and the processes on this machine. */
export class ContainerdProcess implements Process {
  readonly output: OutputSource;
  readonly exit: Promise<Exit>;
  readonly #exec: Exec;
  readonly #tree: MarkedTree;
  /** Undefined when the command was over before it could be looked at, or does not run on this machine. */
  readonly #onMachine: ForeignProcess | undefined;
  readonly #isTerminal: boolean;
  readonly #input: FifoInput | undefined;
  readonly #reader: FifoReader;
  readonly #onRelease: () => void;
  readonly #end = oneAtATime(() => this.#endTree());
  #isOver = false;
  #isReleased = false;

  constructor({ exec, status, tree, onMachine, input, outputs, isTerminal }: Parts, onRelease: () => void) {
    this.#exec = exec;
    this.#tree = tree;
    this.#isTerminal = isTerminal;
    this.#onRelease = onRelease;
    if (tree.isSeen) this.#onMachine = onMachine;
    else onMachine?.close();
    this.#reader = new FifoReader(
      outputs.map((fd, i) => ({ name: outputNames[i] ?? "stdout", descriptor: new Descriptor(fd), isTerminal: false })),
    );
    this.output = this.#reader;
    this.#input = input;
    this.exit = this.#whenOver(status);
    this.exit.catch(() => {});
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#input?.write(bytes);
  }

  async endInput(): Promise<void> {
    await this.#input?.end();
    if (this.#input && !this.#isTerminal && !this.#isOver) await this.#exec.closeInput();
  }

  async resize(size: Size): Promise<void> {
    if (this.#isTerminal && !this.#isReleased) await this.#exec.resize(size);
  }

  async signal(name: Signal): Promise<void> {
    if (this.#isReleased || this.#isOver) return;
    if (this.#onMachine) await this.#onMachine.signal(name, this.#isTerminal);
    else await this.#exec.kill(name);
  }

  terminate(): Promise<Termination> {
    return this.#isReleased ? Promise.resolve("bestEffort") : this.#end();
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#exec.forget();
    this.#reader.close();
    this.#input?.close();
    this.#onMachine?.close();
    this.#tree.letGo();
    this.#onRelease();
  }

  /** What waits to be read by a command that is over is accepted, to no effect. Of a status that may mean a signal the kernel knows what it was. */
  async #whenOver(status: Promise<number>): Promise<Exit> {
    try {
      const code = await status;
      return (isAmbiguous(code) ? await this.#onMachine?.ended : undefined) ?? fromStatus(code);
    } finally {
      this.#isOver = true;
      this.#reader.ended();
      this.#input?.close();
    }
  }

  /** Whoever cannot be found on this machine is left to containerd, which ends the command itself. */
  async #endTree(): Promise<Termination> {
    const termination = await this.#tree.end();
    if (!this.#tree.isSeen && !this.#isOver) await this.#exec.kill("SIGKILL");
    return termination;
  }
}

/** Between the command and its FIFO a helper of the daemon copies: what it has in its hands at the command's end is waited for before a cut. */
class FifoReader extends Reader {
  #timer: NodeJS.Timeout | undefined;
  #endedAt: number | undefined;

  /** The command is over: it adds nothing any more. */
  ended(): void {
    this.#endedAt ??= performance.now();
  }

  override cut(): void {
    const now = performance.now();
    this.#timer ??= setTimeout(() => super.cut(), Math.max(0, (this.#endedAt ?? now) + onItsWayMs - now));
  }

  override close(): void {
    clearTimeout(this.#timer);
    super.close();
  }
}
