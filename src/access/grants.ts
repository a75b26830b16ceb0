import { ExecgateError } from "../errors.ts";
import type { ExecRequest } from "../exec/request.ts";
import type { Caller, Principal, Verb } from "./principal.ts";

/** Something that was allowed and goes on: a session, or a client on one. */
export interface Grant extends Caller {
  readonly verb: Verb;
  /** The request that was decided on; that of the session for whoever joined it. */
  readonly request: ExecRequest;
  /** Ends it, because it would not be allowed now for this reason. Called at most once. */
  end(reason: ExecgateError): void;
}

/** Everything that goes on by somebody's right, so that it ends when the right does. */
export class Grants {
  /** Each with its principal as it was when it was last asked for. */
  readonly #live = new Map<Grant, Principal>();

  get size(): number {
    return this.#live.size;
  }

  /** Watches over `grant` until the returned function is called. */
  add(grant: Grant): () => void {
    this.#live.set(grant, grant.principal);
    return () => this.#live.delete(grant);
  }

  /**
   * Asks who each principal is by now, with the groups that it has by now, and ends what goes on by a credential that has
   * ended. Returns how many were ended.
   */
  renew(currentOf: (principal: Principal) => Principal | undefined): number {
    return this.#endWhere((grant, principal) => {
      const current = currentOf(principal);
      if (current === undefined) return new ExecgateError("UNAUTHENTICATED", "The credential has expired or was revoked.");
      this.#live.set(grant, current);
      return undefined;
    });
  }

  /** Asks of each whether there is a reason for it not to go on, and ends it then. Returns how many were ended. */
  review(refusalOf: (grant: Grant) => ExecgateError | undefined): number {
    return this.#endWhere((grant, principal) => refusalOf(principal === grant.principal ? grant : { ...grant, principal }));
  }

  #endWhere(refusalOf: (grant: Grant, principal: Principal) => ExecgateError | undefined): number {
    let ended = 0;
    for (const [grant, principal] of this.#live) {
      const reason = refusalOf(grant, principal);
      if (reason === undefined) continue;
      this.#live.delete(grant);
      grant.end(reason);
      ended++;
    }
    return ended;
  }
}
