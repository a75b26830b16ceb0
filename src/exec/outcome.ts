import type { Exit, Signal, Termination } from "./runtime.ts";

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

/** Why a run was stopped before it ended by itself. */
export type StopReason = "timeout" | EndedBy;

/** The command's own end; no exit when it will never be known. */
export interface Ended {
  readonly exit: Exit | undefined;
}

/**
 * How a run ended, in the words that clients are told, by what came first.
 * @param durationMs with more digits than say something
 */
export function sayOutcome(first: Ended | StopReason, drained: boolean, termination: Termination | null, durationMs: number): Outcome {
  const exit = typeof first === "string" ? undefined : first.exit;
  return {
    outcome: first === "timeout" ? "timeout" : typeof first === "string" ? "killed" : exit === undefined ? "lost" : "exited",
    exitCode: exit?.code ?? null,
    signal: exit?.signal ?? null,
    endedBy: typeof first === "string" && first !== "timeout" ? first : null,
    drained,
    termination,
    durationMs: Math.round(durationMs * 1000) / 1000,
  };
}
