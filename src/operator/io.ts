import type { TextOutput } from "../output-end.ts";

/** The world of an operator's command. Node's `process` is one. */
export interface OperatorIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}
