import type { ErrorCode } from "../errors.ts";
import type { Outcome } from "./outcome.ts";
import type { StreamName } from "./runtime.ts";
import type { Session } from "./session.ts";

/** What the core tells the world. Metrics and the log implement it; no method may throw or wait. */
export interface Observer {
  /** The command is about to be started; `started` or `failed` follows. */
  starting?(session: Session): void;
  /** The command runs; `startMs` is what starting it took. */
  started?(session: Session, startMs: number): void;
  /** The command could not be started. */
  failed?(session: Session, code: ErrorCode): void;
  ended?(session: Session, outcome: Outcome): void;
  output?(stream: StreamName, bytes: number): void;
  /** The source stood still because the slowest client did, for so long. */
  heldBack?(durationMs: number): void;
}

/** Tells several observers as one. */
export function combineObservers(observers: readonly Observer[]): Observer {
  return {
    starting: (session) => each(observers, (observer) => observer.starting?.(session)),
    started: (session, startMs) => each(observers, (observer) => observer.started?.(session, startMs)),
    failed: (session, code) => each(observers, (observer) => observer.failed?.(session, code)),
    ended: (session, outcome) => each(observers, (observer) => observer.ended?.(session, outcome)),
    output: (stream, bytes) => each(observers, (observer) => observer.output?.(stream, bytes)),
    heldBack: (durationMs) => each(observers, (observer) => observer.heldBack?.(durationMs)),
  };
}

function each(observers: readonly Observer[], tell: (observer: Observer) => void): void {
  for (const observer of observers) tell(observer);
}
