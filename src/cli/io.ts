import type { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";

/** What a terminal adds to an input stream. */
interface Input extends Readable {
  readonly isTTY?: boolean;
  readonly fd?: number;
  setRawMode?(raw: boolean): unknown;
}

/** What a terminal and a descriptor add to an output stream. */
export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly fd?: number;
}

/** The world of a client command. Node's `process` is one. */
export interface ClientIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where signals to the client itself are heard. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
}
