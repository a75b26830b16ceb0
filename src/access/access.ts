import { createHash, timingSafeEqual } from "node:crypto";
import { ExecgateError } from "../errors.ts";
import type { ExecRequest } from "../exec/request.ts";
import type { Session } from "../exec/session.ts";
import type { Principal, Verb } from "./principal.ts";

/** The one place that says who somebody is and what they may do; every way in asks it. */
export interface Access {
  /**
   * Who presents this bearer token.
   * @throws UNAUTHENTICATED when there is none, or it is not valid
   */
  authenticate(token: string | undefined): Principal;
  /** @throws FORBIDDEN, or TARGET_NOT_FOUND for a target that the principal may not even see */
  authorize(principal: Principal, verb: Verb, request: ExecRequest): void;
  /** The session itself when the principal may do `verb` to it. @throws SESSION_NOT_FOUND also when it may not */
  authorizeSession(principal: Principal, verb: Verb, session: Session | undefined): Session;
}

/** Access with a single token, whose bearer is the owner and may do everything. */
export function createOwnerAccess(token: string): Access {
  const expected = digest(token);
  const owner: Principal = Object.freeze({ subject: "user:owner", groups: [], credential: "owner", expiresAt: undefined });
  return {
    authenticate(given) {
      if (given === undefined) {
        throw new ExecgateError(
          "UNAUTHENTICATED",
          "Send the token: Authorization: Bearer TOKEN, or the bearer subprotocol on a WebSocket.",
        );
      }
      // Digests are compared, so that neither length nor content of the secret shows in the time it takes.
      if (!timingSafeEqual(digest(given), expected)) throw new ExecgateError("UNAUTHENTICATED", "The token is not valid.");
      return owner;
    },
    authorize: () => undefined,
    authorizeSession(principal, _verb, session) {
      if (session?.request.principal === principal.subject) return session;
      throw new ExecgateError("SESSION_NOT_FOUND", "There is no such session, or it ended too long ago to be kept.");
    },
  };
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
