import { write } from "node:fs";
import { Writable } from "node:stream";
import { OutputError } from "../output-end.ts";
import type { Output } from "./io.ts";

/** A place to write to at the pace at which it takes. */
export interface Sink {
  /** Returns a promise when the place has to catch up first. @throws OutputError */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Resolves when everything is written, or cannot be any more. */
  flush(): Promise<void>;
}

/** How long to wait before a descriptor that somebody made non-blocking is tried again. */
const retryMs = 5;

/**
 * Writes to `output`, and to a terminal through its descriptor: Node's own stream of one blocks the whole process while
 * the terminal is stopped, pings would go without an answer and the gateway would take the client for dead.
 */
export function createSink(output: Output): Sink {
  const stream = output.isTTY && output.fd !== undefined ? createDescriptorStream(output.fd) : output;
  let failure: OutputError | undefined;
  let wake: (() => void) | undefined;
  const settle = (error?: Error): void => {
    failure ??= error && new OutputError(error);
    wake?.();
    wake = undefined;
  };
  stream.on("drain", () => settle());
  stream.on("error", settle);
  async function drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (failure !== undefined) throw failure;
  }
  return {
    write(bytes) {
      if (failure !== undefined) throw failure;
      return stream.write(bytes) ? undefined : drained();
    },
    async flush() {
      if (failure === undefined && stream.writableLength > 0) await new Promise<void>((resolve) => stream.write("", () => resolve()));
    },
  };
}

function createDescriptorStream(fd: number): Writable {
  const writeAll = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    write(fd, bytes, (error, written) => {
      if (error?.code === "EAGAIN") setTimeout(writeAll, retryMs, bytes, done);
      else if (error || written === bytes.length) done(error);
      else writeAll(bytes.subarray(written), done);
    });
  };
  return new Writable({ write: (bytes: Buffer, _encoding, done) => writeAll(bytes, done) });
}
