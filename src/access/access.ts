import { createHash, timingSafeEqual } from "node:crypto";
import { ExecgateError } from "../errors.ts";
import type { Principal } from "./principal.ts";

/** The one place that says who somebody is; every way in asks it. */
export interface Access {
  /**
   * Who presents this bearer token.
   * @throws UNAUTHENTICATED when there is none, or it is not valid
   */
  authenticate(token: string | undefined): Principal;
}

/** Access with a single token, whose bearer is the owner. */
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
  };
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
