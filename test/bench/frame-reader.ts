/** What a client is told. Bytes of output come in the pieces they were read in, and are gone after the call. */
export interface FrameSink {
  output(bytes: Buffer): void;
  control(message: { readonly type: string } & Readonly<Record<string, unknown>>): void;
  closed?(cause?: Error): void;
}

interface ConnectionSink extends FrameSink {
  /** The server wants a sign of life. */
  ping(): void;
  /** The server says goodbye. */
  close(): void;
}

const textOpcode = 1;
const binaryOpcode = 2;
const closeOpcode = 8;
const pingOpcode = 9;
const headerBytesMax = 10;

/** Reads a server's frames as they come in, copying nothing but headers and control messages. */
export class FrameReader {
  readonly #sink: ConnectionSink;
  readonly #header = Buffer.alloc(headerBytesMax);
  #headerBytes = 0;
  #opcode = 0;
  #remaining = 0;
  #isChannelNext = false;
  #text = "";

  constructor(sink: ConnectionSink) {
    this.#sink = sink;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#remaining > 0) {
        const end = Math.min(bytes.length, at + this.#remaining);
        this.#remaining -= end - at;
        this.#payload(bytes.subarray(at, end));
        at = end;
        continue;
      }
      this.#header[this.#headerBytes++] = bytes[at++] as number;
      if (this.#headerBytes === this.#headerLength()) this.#begin();
    }
  }

  #headerLength(): number {
    if (this.#headerBytes < 2) return headerBytesMax;
    const length = (this.#header[1] as number) & 0x7f;
    return length === 126 ? 4 : length === 127 ? 10 : 2;
  }

  #begin(): void {
    const header = this.#header;
    const length = (header[1] as number) & 0x7f;
    this.#opcode = (header[0] as number) & 0x0f;
    this.#remaining = length === 126 ? header.readUInt16BE(2) : length === 127 ? Number(header.readBigUInt64BE(2)) : length;
    this.#isChannelNext = true;
    this.#text = "";
    this.#headerBytes = 0;
    if (this.#opcode === pingOpcode) this.#sink.ping();
    if (this.#opcode === closeOpcode) this.#sink.close();
  }

  #payload(bytes: Buffer): void {
    if (this.#opcode === binaryOpcode) {
      this.#sink.output(this.#isChannelNext ? bytes.subarray(1) : bytes);
      this.#isChannelNext = false;
    } else if (this.#opcode === textOpcode) {
      this.#text += bytes.toString("latin1");
      if (this.#remaining === 0) this.#sink.control(JSON.parse(this.#text));
    }
  }
}
