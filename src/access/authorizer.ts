import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import { type Permit, unconditional } from "../exec/permit.ts";
import type { ExecRequest } from "../exec/request.ts";
import type { Grants } from "./grants.ts";
import type { Refused } from "./policy/decision.ts";
import type { Policy } from "./policy/policy.ts";
import type { Place } from "./policy/rule.ts";
import type { Caller, Principal, Verb } from "./principal.ts";

/** A request that may run: what was decided on, for whom, and by what right. */
export interface Authorized {
  readonly caller: Caller;
  readonly request: ExecRequest;
  readonly permit: Permit;
}

/** Told of every refusal by policy. */
export type OnDenied = (caller: Caller, verb: Verb, request: ExecRequest, decision: Refused) => void;

export interface AuthorizerDeps {
  readonly clock: Clock;
  readonly grants: Grants;
  /** Undefined: whoever is authenticated may do everything. */
  readonly policy: Policy | undefined;
  readonly onDenied: OnDenied;
}

/** A session, or what is left of one. */
export interface Run {
  readonly request: ExecRequest;
}

/** What somebody may do to a session of somebody else. */
const sessionVerbs: readonly Verb[] = ["view", "attach", "kill"];

/** The one place that says what somebody may do; every way in asks it. */
export class Authorizer {
  readonly #clock: Clock;
  readonly #grants: Grants;
  readonly #onDenied: OnDenied;
  #policy: Policy | undefined;
  /** When the next binding ends, milliseconds since 1970. */
  #bindingEndsAt: number | undefined;

  constructor({ clock, grants, policy, onDenied }: AuthorizerDeps) {
    this.#clock = clock;
    this.#grants = grants;
    this.#policy = policy;
    this.#bindingEndsAt = policy?.nextExpiry(clock.now());
    this.#onDenied = onDenied;
  }

  /** Decides by another policy from here on, and ends what it does not allow. Returns how many grants were ended. */
  replacePolicy(policy: Policy | undefined): number {
    this.#policy = policy;
    return this.#review();
  }

  /** Ends what went on by a binding that has ended. Costs nothing as long as none has. */
  reviewBindings(): void {
    if (this.#bindingEndsAt !== undefined && this.#bindingEndsAt <= this.#clock.now()) this.#review();
  }

  /** Ends what went on by a right that is no more. Returns how many grants were ended. */
  #review(): number {
    this.#bindingEndsAt = this.#policy?.nextExpiry(this.#clock.now());
    return this.#grants.review((grant) => {
      if (grant.verb !== "exec" && isOwn(grant, grant.request)) return undefined;
      const refused = this.#refusal(grant, grant.verb, grant.request);
      if (refused === undefined) return undefined;
      this.#onDenied(grant, grant.verb, grant.request, refused);
      return new ExecgateError("FORBIDDEN", "Policy does not allow this any more.");
    });
  }

  /**
   * By what right the caller may run `request`.
   * @throws FORBIDDEN, or TARGET_NOT_FOUND for a target that no rule lets the caller near
   */
  authorizeExec(caller: Caller, request: ExecRequest): Authorized {
    if (caller.share !== undefined) throw onlyWatches();
    const decision = this.#policy?.decide(caller.principal, { verb: "exec", request, reason: caller.reason }, this.#clock.now());
    if (decision === undefined) return { caller, request, permit: unconditional };
    if (decision.isAllowed) return { caller, request, permit: decision.permit };
    this.#onDenied(caller, "exec", request, decision);
    throw decision.refusal;
  }

  /**
   * The session when it is the caller's own, or when the caller may do `verb` to it.
   * @throws FORBIDDEN, or SESSION_NOT_FOUND when the caller may do nothing to it
   */
  authorizeSession<Kind extends Run>(caller: Caller, verb: Verb, session: Kind | undefined): Kind {
    if (session === undefined) throw sessionNotFound();
    if (caller.share !== undefined && (verb !== "view" || caller.share.request !== session.request)) throw onlyWatches();
    const { request } = session;
    const refused = isOwn(caller, request) ? undefined : this.#refusal(caller, verb, request);
    if (refused === undefined) return session;
    this.#onDenied(caller, verb, request, refused);
    throw this.#isKnown(caller, request) ? refused.refusal : sessionNotFound();
  }

  /** Whether the caller sees this session among others. */
  isSeen(caller: Caller, run: Run): boolean {
    return this.may(caller, "view", run);
  }

  /** Whether the caller may do this to a session among others. That it was asked is told nobody. */
  may(caller: Caller, verb: Verb, { request }: Run): boolean {
    if (caller.share !== undefined) return false;
    return isOwn(caller, request) || this.#refusal(caller, verb, request) === undefined;
  }

  /** Whether some request of this verb would be allowed on this target. */
  isPossible(principal: Principal, verb: Verb, place: Place): boolean {
    return this.#policy?.isPossible(principal, verb, place, this.#clock.now()) !== false;
  }

  /** Whether any rule lets the principal near this target. What it is not near is answered like what is not there. */
  isNear(principal: Principal, place: Place): boolean {
    return this.#policy?.isNear(principal, place, this.#clock.now()) !== false;
  }

  #refusal({ principal, reason }: Caller, verb: Verb, request: ExecRequest): Refused | undefined {
    const decision = this.#policy?.decide(principal, { verb, request, reason }, this.#clock.now());
    return decision === undefined || decision.isAllowed ? undefined : decision;
  }

  /** Whether the caller may do anything to this session, or might with a reason. */
  #isKnown(caller: Caller, request: ExecRequest): boolean {
    const refusals = sessionVerbs.map((verb) => this.#refusal(caller, verb, request));
    return refusals.some((refused) => refused === undefined || refused.condition === "reason");
  }
}

function isOwn({ principal }: Caller, request: ExecRequest): boolean {
  return request.principal === principal.subject;
}

function onlyWatches(): ExecgateError {
  return new ExecgateError("FORBIDDEN", "By a share one can watch its session, as role=viewer, and do nothing else.");
}

function sessionNotFound(): ExecgateError {
  return new ExecgateError("SESSION_NOT_FOUND", "There is no such session, or it ended too long ago to be kept.");
}
