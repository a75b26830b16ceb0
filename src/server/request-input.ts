import { ExecgateError } from "../errors.ts";
import { stdinWindow } from "../exec/input.ts";
import type { Session } from "../exec/session.ts";

/**
 * Stdin that comes by requests. A WebSocket is not read beyond its credit; a request is whole when it is looked at, so that
 * one that comes while more than a credit waits for the command is refused.
 */
export class RequestInput {
  /** Bytes that wait, those of requests whose client has gone among them. */
  readonly #waiting = new WeakMap<Session, number>();

  /**
   * Resolves when the command has taken the bytes, or is over. Of that the write itself tells: what waits for the end of the
   * session beside it would be kept until then, for each request.
   * @throws BAD_REQUEST where the command has no stdin, or is at its end; TOO_MANY_REQUESTS
   */
  async write(session: Session, bytes: Buffer): Promise<void> {
    if (bytes.length > 0 && !session.takesInput) {
      const message = "Nobody would read this: the session was created without stdin, or its end was said before.";
      throw new ExecgateError("BAD_REQUEST", message, { field: "data" });
    }
    const before = this.#waiting.get(session) ?? 0;
    if (before > stdinWindow) {
      const message = "The command has not read what was sent before; send more when it has.";
      throw new ExecgateError("TOO_MANY_REQUESTS", message, { retryAfterS: 1 });
    }
    this.#waiting.set(session, before + bytes.length);
    try {
      await session.write(bytes);
    } finally {
      this.#waiting.set(session, (this.#waiting.get(session) ?? 0) - bytes.length);
    }
  }
}
