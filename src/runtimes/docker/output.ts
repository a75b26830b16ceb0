import type { Chunk, OutputSource, StreamName } from "../../exec/runtime.ts";
import type { Connection } from "./connection.ts";

/** Type, three zeros, and the length of what follows. */
const headerBytes = 8;

/** How much more is taken after `cut`: what the kernel and the daemon hold on the way here. */
const cutBytesMax = 1024 * 1024;
/** How long the next of it may take, milliseconds. */
const cutPauseMs = 20;

/**
 * The output of an exec, pulled from its connection, which reads little ahead, so that a reader that stands still is felt
 * by the command through the kernel, the daemon and the pipe. Without a terminal the streams come in frames, which are passed on as they
 * arrive, those of one read together.
 */
export class ConnectionOutput implements OutputSource {
  readonly #connection: Pick<Connection, "read" | "isEnded" | "isOver" | "onChange">;
  readonly #isTerminal: boolean;
  readonly #confirm: () => Promise<boolean>;
  /** What was read and not yet looked at. */
  #rest: Buffer = Buffer.alloc(0);
  /** Of the frame that is being passed on. */
  #frameLeft = 0;
  #stream: StreamName = "stdout";
  #isEnded = false;
  #complete = false;
  /** Bytes that may still be read after `cut`. */
  #cutLeft: number | undefined;
  #wake: (() => void) | undefined;

  /** @param confirm asked at the end of the connection: whether that was the end of the output and not of the daemon */
  constructor(
    connection: Pick<Connection, "read" | "isEnded" | "isOver" | "onChange">,
    isTerminal: boolean,
    confirm: () => Promise<boolean>,
  ) {
    this.#connection = connection;
    this.#isTerminal = isTerminal;
    this.#confirm = confirm;
    connection.onChange = () => this.#wake?.();
  }

  get complete(): boolean {
    return this.#complete;
  }

  async next(): Promise<Chunk | undefined> {
    while (!this.#isEnded) {
      const chunk = this.#isTerminal ? this.#takeRaw() : this.#takeFramed();
      if (chunk !== undefined) return chunk;
      if (!this.#read() && !(await this.#more())) await this.#end();
    }
    return undefined;
  }

  cut(): void {
    this.#cutLeft ??= cutBytesMax;
    this.#wake?.();
  }

  #takeRaw(): Chunk | undefined {
    if (this.#rest.length === 0) return undefined;
    return { stream: "stdout", bytes: this.#take(this.#rest.length) };
  }

  /** All that is there of one stream: of frames that follow each other in memory the headers between are written over. */
  #takeFramed(): Chunk | undefined {
    if (!this.#isInFrame()) return undefined;
    const stream = this.#stream;
    let bytes = this.#takePiece();
    while (this.#isInFrame() && this.#stream === stream) {
      const piece = this.#takePiece();
      const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length + piece.length);
      whole.set(piece, bytes.length);
      bytes = whole;
    }
    // The memory of a chunk is its receiver's, who may have it read into again: while there is more in it, the chunk is a copy.
    return { stream, bytes: this.#rest.length > 0 ? Buffer.from(bytes) : bytes };
  }

  /** Goes on to the next frame where one has ended; false when there is nothing of it yet. */
  #isInFrame(): boolean {
    while (this.#frameLeft === 0 && this.#rest.length >= headerBytes) {
      const header = this.#take(headerBytes);
      this.#stream = header[0] === 2 ? "stderr" : "stdout";
      this.#frameLeft = header.readUInt32BE(4);
    }
    return this.#frameLeft > 0 && this.#rest.length > 0;
  }

  #takePiece(): Buffer {
    const piece = this.#take(Math.min(this.#frameLeft, this.#rest.length));
    this.#frameLeft -= piece.length;
    return piece;
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  #read(): boolean {
    if (this.#cutLeft !== undefined && this.#cutLeft <= 0) return false;
    const bytes = this.#connection.read();
    if (bytes === undefined) return false;
    if (this.#cutLeft !== undefined) this.#cutLeft -= bytes.length;
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    return true;
  }

  /** Waits until there may be more to read; false when there is not, for good or since it was cut. */
  async #more(): Promise<boolean> {
    if (this.#connection.isOver || (this.#cutLeft ?? 1) <= 0) return false;
    const isCut = this.#cutLeft !== undefined;
    const isWoken = await new Promise<boolean>((resolve) => {
      const timer = isCut ? setTimeout(() => resolve(false), cutPauseMs) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#wake = undefined;
    return isWoken;
  }

  /** Half a frame, a cut and a connection that broke are no end of the output. */
  async #end(): Promise<void> {
    const isWhole = this.#connection.isEnded && this.#frameLeft === 0 && this.#rest.length === 0;
    if (isWhole) this.#complete = await this.#confirm();
    this.#isEnded = true;
  }
}
