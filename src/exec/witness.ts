import type { ErrorCode } from "../errors.ts";
import type { Outcome } from "./outcome.ts";
import type { Session } from "./session.ts";

/** Stands beside one session and can keep it from starting, which an observer cannot. */
export interface Witness {
  /** Called once, last before the command is started. A rejection means that it is not. */
  starting(session: Session): Promise<void>;
  /** The command was not started, for this reason; said of a session also when it ended before the witness was asked. */
  failed(session: Session, code: ErrorCode): void;
  ended(session: Session, outcome: Outcome): void;
}
