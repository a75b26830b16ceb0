import { pageBytes, takePage } from "../../exec/pages.ts";
import type { Chunk, OutputSource, StreamName } from "../../exec/runtime.ts";
import type { Descriptor } from "./descriptor.ts";
import { isAgain } from "./descriptor.ts";

/**
 * What one reader takes without a turn of the event loop between: a command that never stops writing must not hold up the
 * others. A page is a full pipe: those keep the kernel's own size, as 1 MiB ones move 2.4 instead of 1.9 GB/s, far above
 * what any client takes, and would let a stalled command go on for longer. A terminal gives a page in the time in which a
 * pipe gives twenty, and one of short lines in ten times that: it is the time that counts there, and the addon's reads keep
 * to it as well.
 */
const turns = { pipe: { bytes: 4 * pageBytes, ms: Number.POSITIVE_INFINITY }, terminal: { bytes: pageBytes, ms: 1 } } as const;

/** The page for the next read, one for all readers: a read is synchronous, and what is idle holds no memory. */
let page = takePage();

/** More than a terminal holds, which cannot be counted: part of it is in buffers that only a read looks into. */
const terminalBytes = 64 * 1024;

/** What is read, and as what it is told. */
interface Input {
  readonly name: StreamName;
  readonly descriptor: Descriptor;
  readonly isTerminal: boolean;
}

interface Stream extends Input {
  /** Bytes that are still to be delivered after `cut`. */
  remaining: number;
}

const nothingYet = Symbol("nothing yet");

/** Output pulled from one or two descriptors: nothing is read, and no poll is armed, unless somebody waits in `next`. */
export class Reader implements OutputSource {
  #streams: Stream[];
  readonly #turnMax: { readonly bytes: number; readonly ms: number };
  /** The stream that was served last: at first none, so that of two that are ready stdout goes first. */
  #turn = -1;
  #readInTurn = 0;
  #turnBeganMs = 0;
  #cut = false;
  #complete = true;
  #waiting: ((chunk: Chunk | undefined) => void) | undefined;
  /** Called when all that is there was read after the exit; true when that may have brought the end nearer. */
  #onDry: (() => boolean) | undefined;
  readonly #onReadable = (): void => {
    this.#readInTurn = 0;
    this.#turnBeganMs = performance.now();
    this.#deliver();
  };

  constructor(inputs: readonly Input[]) {
    this.#turnMax = turns[inputs.some(({ isTerminal }) => isTerminal) ? "terminal" : "pipe"];
    this.#streams = inputs.map((input) => ({ ...input, remaining: Number.POSITIVE_INFINITY }));
  }

  get complete(): boolean {
    return this.#complete && this.#streams.length === 0;
  }

  next(): Promise<Chunk | undefined> {
    const { bytes, ms } = this.#turnMax;
    const mayRead = this.#readInTurn < bytes && performance.now() - this.#turnBeganMs < ms;
    const chunk = mayRead ? this.#take() : nothingYet;
    if (chunk !== nothingYet) return Promise.resolve(chunk);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (mayRead) this.#arm();
      else setImmediate(this.#onReadable);
    });
  }

  /** What has arrived is counted here and now; whether the end stands behind it is looked at when it has been delivered. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    for (const stream of this.#streams) stream.remaining = stream.isTerminal ? terminalBytes : stream.descriptor.available();
    this.#deliver();
  }

  /** Tells that the command has ended: what is there is delivered without another turn of the event loop. */
  exited(onDry: () => boolean): void {
    this.#onDry = onDry;
    this.#deliver();
  }

  /** Gives up everything; who still waits is told that the output has ended. */
  close(): void {
    if (this.#streams.length > 0) this.#complete = false;
    for (const stream of this.#streams) stream.descriptor.close();
    this.#streams = [];
    this.#deliver();
  }

  #deliver(): void {
    const resolve = this.#waiting;
    if (!resolve) return;
    const chunk = this.#take();
    if (chunk === nothingYet) {
      this.#arm();
      return;
    }
    this.#waiting = undefined;
    for (const stream of this.#streams) stream.descriptor.ignoreReadable();
    resolve(chunk);
  }

  #arm(): void {
    for (const stream of this.#streams) stream.descriptor.whenReadable(this.#onReadable);
  }

  /** Begins with the stream that was not served last, so that a busy one does not hide the other. */
  #take(): Chunk | undefined | typeof nothingYet {
    for (let tries = this.#streams.length; tries > 0 && this.#streams.length > 0; tries--) {
      this.#turn = (this.#turn + 1) % this.#streams.length;
      const stream = this.#streams[this.#turn];
      const bytes = stream && this.#read(stream);
      if (stream && bytes) return { stream: stream.name, bytes };
    }
    return this.#streams.length === 0 ? undefined : nothingYet;
  }

  #read(stream: Stream): Buffer | undefined {
    if (stream.remaining <= 0 && stream.descriptor.available() > 0) return this.#end(stream, false);
    const length = stream.remaining > 0 ? Math.min(pageBytes, stream.remaining) : pageBytes;
    const read = stream.descriptor.read(page, length);
    if (read > 0) {
      stream.remaining -= read;
      this.#readInTurn += read;
      const bytes = page.subarray(0, read);
      page = takePage();
      return bytes;
    }
    if (!isAgain(read)) return this.#end(stream, true);
    if (this.#onDry?.()) return this.#read(stream);
    return this.#cut ? this.#end(stream, false) : undefined;
  }

  #end(stream: Stream, byItself: boolean): undefined {
    if (!byItself) this.#complete = false;
    stream.descriptor.close();
    this.#streams = this.#streams.filter((other) => other !== stream);
  }
}
