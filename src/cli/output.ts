import { createWriteStream } from "node:fs";
import type { Output } from "./io.ts";

/** A place to write to at the pace at which it takes. */
export interface Sink {
  /** Returns a promise when the place has to catch up first. @throws what the place failed with, such as EPIPE */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Resolves when everything is written, or cannot be any more. */
  flush(): Promise<void>;
}

/**
 * Writes to `output` through the descriptor, where it has one: Node's own stream of it blocks the whole process while a
 * pager holds the pipe, pings would go without an answer and the gateway would take the client for dead.
 */
export function createSink(output: Output): Sink {
  const stream = output.fd === undefined ? output : createWriteStream("", { fd: output.fd, autoClose: false });
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const settle = (error?: Error): void => {
    failure ??= error;
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
