import type { Session } from "../exec/session.ts";

/** Writes the stdin that came with a request and closes it, without waiting for the command to take it. */
export function feed(session: Session, stdin: Buffer): void {
  void session
    .write(stdin)
    .then(() => session.endInput())
    .catch(() => undefined);
}
