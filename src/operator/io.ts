import type { Writable } from "node:stream";

/** The world of an operator's command. Node's `process` is one. */
export interface OperatorIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Pick<Writable, "write">;
  readonly stderr: Pick<Writable, "write">;
}
