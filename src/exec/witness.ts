import type { ErrorCode } from "../errors.ts";
import type { Outcome } from "./outcome.ts";
import type { Session } from "./session.ts";

/** Stands beside one session and can keep it from starting, which an observer cannot. */
export interface Witness {
  /** Called once, last before the command is started. A rejection means that it is not. */
  starting(session: Session): Promise<void>;
  /** The command was not started, for this reason; said of a session also when it ended before the witness was asked. */
  failed?(session: Session, code: ErrorCode): void;
  ended?(session: Session, outcome: Outcome): void;
}

/** Several as one, asked in their order; undefined for none. */
export function combineWitnesses(...witnesses: (Witness | undefined)[]): Witness | undefined {
  const present = witnesses.filter((witness) => witness !== undefined);
  if (present.length < 2) return present[0];
  return {
    async starting(session) {
      for (const witness of present) await witness.starting(session);
    },
    failed(session, code) {
      for (const witness of present) witness.failed?.(session, code);
    },
    ended(session, outcome) {
      for (const witness of present) witness.ended?.(session, outcome);
    },
  };
}
