import { Descriptor } from "../descriptor/descriptor.ts";
import { Writer } from "../descriptor/writer.ts";
import type { Fifos } from "./fifos.ts";

/** The input of a command that runs. What is written before its FIFO has a reader, and the gateway a descriptor for it, waits for both. */
export class FifoInput {
  readonly #isTerminal: boolean;
  readonly #opened: Promise<Writer | undefined>;
  #descriptor: Descriptor | undefined;
  #writer: Writer | undefined;
  #isClosed = false;

  constructor(fifos: Fifos, isTerminal: boolean) {
    this.#isTerminal = isTerminal;
    this.#opened = this.#open(fifos);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await (await this.#opened)?.write(bytes);
  }

  async end(): Promise<void> {
    await (await this.#opened)?.end();
  }

  /** Drops what waits, whose writers are told that it is accepted. */
  close(): void {
    this.#isClosed = true;
    this.#writer?.close();
    if (this.#isTerminal) this.#descriptor?.close();
  }

  async #open(fifos: Fifos): Promise<Writer | undefined> {
    const fd = await fifos.openInput(() => this.#isClosed);
    if (fd === undefined) return undefined;
    this.#descriptor = new Descriptor(fd);
    this.#writer = new Writer(this.#descriptor, this.#isTerminal);
    if (this.#isClosed) this.close();
    return this.#writer;
  }
}
