import type { Encoding, Keep } from "./collect.ts";
import type { ExecSpec, Target } from "./runtime.ts";

/** How the exec was asked for: its answer at once, or a conversation. */
export type ExecMode = "sync" | "interactive";

/**
 * One exec as it was asked for and authorized, with its target resolved and every default filled in. It is frozen:
 * what was decided on is what runs.
 */
export interface ExecRequest {
  readonly target: Target;
  readonly spec: ExecSpec;
  readonly mode: ExecMode;
  /** Who asked, for example `user:owner`. */
  readonly principal: string;
  /** Why they say that they do. */
  readonly reason: string | undefined;
  /** Where the exec stands in a trace of the caller's, as W3C writes it: handed on, and never looked at. */
  readonly trace?: string | undefined;
  /** Wall time from start, milliseconds; 0 is none. */
  readonly timeoutMs: number;
  /** What becomes of the processes that a command leaves behind when it exits by itself. */
  readonly descendants: "end" | "leave";
  /** How long the session outlives its last client, milliseconds. */
  readonly keepMs: number;
  /** How much stdin came with it, which waits here until the command takes it, bytes. */
  readonly stdinBytes?: number;
  /** What of the output is collected for the answer, and how it stands there; undefined when nothing is. */
  readonly collect: { readonly bytesMax: number; readonly keep: Keep; readonly encoding: Encoding } | undefined;
}

/** Freezes a request with everything in it. */
export function freezeRequest(request: ExecRequest): ExecRequest {
  Object.freeze(request.spec.command);
  Object.freeze(request.spec.env);
  Object.freeze(request.spec.tty);
  Object.freeze(request.spec);
  Object.freeze(request.collect);
  return Object.freeze(request);
}

/** What the caller's own words in a request take as long as it is kept, in characters. */
export function sizeOfRequest({ spec: { command, env } }: ExecRequest): number {
  let size = 0;
  for (const argument of command) size += argument.length;
  for (const [name, value] of Object.entries(env)) size += name.length + value.length;
  return size;
}
