import type { Exit, OutputSource, Process, Signal, Size, Termination } from "../../exec/runtime.ts";
import { Descriptor } from "../descriptor/descriptor.ts";
import { Reader } from "../descriptor/reader.ts";
import { Writer } from "../descriptor/writer.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import { sendSignal } from "../signals.ts";
import { native, type Spawned } from "./native.ts";
import type { Tree } from "./tree.ts";
import { resizeTerminal, type Terminal } from "./tty.ts";

/** A command on the host: its streams, which are pipes or a terminal, and its processes. */
export class HostProcess implements Process {
  readonly output: OutputSource;
  readonly exit: Promise<Exit>;
  readonly #tree: Tree;
  readonly #reader: Reader;
  readonly #writer: Writer | undefined;
  readonly #master: Descriptor | undefined;
  readonly #onRelease: (isTreeGone: boolean) => void;
  readonly #end = oneAtATime(() => this.#tree.end());
  #slave: number | undefined;
  #released = false;

  constructor(spawned: Spawned, tree: Tree, terminal: Terminal | undefined, stdin: boolean, onRelease: (isTreeGone: boolean) => void) {
    this.#tree = tree;
    this.#onRelease = onRelease;
    this.#slave = terminal?.slave;
    this.#master = terminal && new Descriptor(terminal.master);
    if (this.#master) {
      this.#reader = new Reader([{ name: "stdout", descriptor: this.#master, isTerminal: true }]);
      this.#writer = new Writer(this.#master, true);
      if (!stdin) void this.#writer.end();
    } else {
      this.#reader = new Reader([
        { name: "stdout", descriptor: new Descriptor(spawned.stdout), isTerminal: false },
        { name: "stderr", descriptor: new Descriptor(spawned.stderr), isTerminal: false },
      ]);
      this.#writer = stdin ? new Writer(new Descriptor(spawned.stdin), false) : undefined;
    }
    this.output = this.#reader;
    const whenExited = (): void => this.#reader.exited(() => this.#closeSlave());
    this.exit = tree.exit.finally(whenExited);
    // Who does not ask for the exit is not to be ended by a rejection that nobody handles.
    this.exit.catch(() => {});
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer?.write(bytes);
  }

  async endInput(): Promise<void> {
    await this.#writer?.end();
  }

  async resize(size: Size): Promise<void> {
    const master = this.#master?.fd;
    if (master !== undefined) resizeTerminal(master, size);
  }

  async signal(name: Signal): Promise<void> {
    if (this.#released) return;
    const master = this.#master?.fd;
    const foreground = master === undefined ? 0 : native.foregroundGroup(master);
    if (foreground > 1) sendSignal(-foreground, name);
    else this.#tree.signal(name);
  }

  terminate(): Promise<Termination> {
    return this.#released ? Promise.resolve("bestEffort") : this.#end();
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#reader.close();
    this.#writer?.close();
    this.#closeSlave();
    this.#onRelease(this.#tree.release());
  }

  /** While the gateway holds a slave, the end of a terminal is never seen before the last byte. After the exit it is let go of. */
  #closeSlave(): boolean {
    if (this.#slave === undefined) return false;
    native.close(this.#slave);
    this.#slave = undefined;
    return true;
  }
}
