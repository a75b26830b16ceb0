import type { ExecgateError } from "../errors.ts";
import type { ExecRequest } from "../exec/request.ts";
import type { Caller, Verb } from "./principal.ts";

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
  readonly #live = new Set<Grant>();

  get size(): number {
    return this.#live.size;
  }

  /** Watches over `grant` until the returned function is called. */
  add(grant: Grant): () => void {
    this.#live.add(grant);
    return () => this.#live.delete(grant);
  }

  /** Asks of each whether there is a reason for it not to go on, and ends it then. Returns how many were ended. */
  review(refusalOf: (grant: Grant) => ExecgateError | undefined): number {
    let ended = 0;
    for (const grant of this.#live) {
      const reason = refusalOf(grant);
      if (reason === undefined) continue;
      this.#live.delete(grant);
      grant.end(reason);
      ended++;
    }
    return ended;
  }
}
