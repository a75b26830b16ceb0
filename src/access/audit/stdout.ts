import type { Writable } from "node:stream";
import type { AuditSink } from "./sink.ts";

/**
 * The trail on a stream, such as stdout: whoever reads it keeps it. A line is taken for durable when the stream has taken
 * it, and the chain begins anew with every start, because nothing can be read back.
 */
export function streamSink(stream: Writable): AuditSink {
  // What a write fails with is told to the write.
  stream.on("error", () => undefined);
  return {
    end: undefined,
    cutBytes: 0,
    append: (lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines, (cause) => (cause ? reject(cause) : resolve()));
      }),
    check: async () => {
      if (stream.destroyed) throw stream.errored ?? new Error("the stream was closed");
    },
    close: () => Promise.resolve(),
  };
}
