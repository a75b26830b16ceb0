import type { Signal, Termination } from "./runtime.ts";

/** Who or what ended a run that did not end by itself. */
export type EndedBy = "client" | "operator" | "disconnect" | "policy" | "shutdown" | "idle" | "slow";

/** How a run ended, as every client is told. Flat, so that it goes on the wire as it is. */
export interface Outcome {
  readonly outcome: "exited" | "timeout" | "killed" | "lost";
  /** What the command said; null unless `exited`. */
  readonly exitCode: number | null;
  readonly signal: Signal | null;
  /** Set with `killed`. */
  readonly endedBy: EndedBy | null;
  /** False when somebody still held the streams and the output was cut at the drain deadline. */
  readonly drained: boolean;
  /** Set with `timeout` and `killed`. */
  readonly termination: Termination | null;
  /** Milliseconds from start to the end of the command, with fractions. */
  readonly durationMs: number;
}
