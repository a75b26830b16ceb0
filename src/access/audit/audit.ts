import type { Clock } from "../../exec/clock.ts";
import type { ExecRequest } from "../../exec/request.ts";
import type { Target } from "../../exec/runtime.ts";
import type { Session } from "../../exec/session.ts";
import type { Witness } from "../../exec/witness.ts";
import type { Refused } from "../policy/decision.ts";
import type { Caller, Verb } from "../principal.ts";
import type { DescribeCommand } from "./command.ts";
import { type AuditEvent, actorOf, type Failure, targetFacts } from "./events.ts";
import { createExecWitness } from "./exec-witness.ts";
import { createFailureLimit } from "./failure-limit.ts";
import type { AuditTrail } from "./trail.ts";

/** Where it is told who did what. Nothing but a witness waits or throws. */
export interface Audit {
  /** Who stands beside the exec of this caller; undefined where nothing is audited. */
  witness(caller: Caller): Witness | undefined;
  /** Somebody joined a session by a socket. */
  attached(caller: Caller, verb: Verb, session: Session, by: "socket" | "share"): void;
  /** Somebody read a session or wrote to it without joining; of one's own nothing is told. */
  reached(caller: Caller, verb: Verb, session: Pick<Session, "id" | "request">, by: string): void;
  killed(caller: Caller, session: Session): void;
  /** Policy refused `verb` on this request. */
  denied(caller: Caller, verb: Verb, request: ExecRequest, refused: Refused): void;
  /** Somebody named a target that no rule lets them near. */
  hidden(caller: Caller, target: Target): void;
  /** A ticket was given for the WebSocket at this path, and for this request where it is to start one. */
  ticketIssued(caller: Caller, path: string, request: ExecRequest | undefined): void;
  /** A share of a session was given out or revoked. */
  shared(caller: Caller, session: Session, share: string, event: "share.issue" | "share.revoke"): void;
  /** A credential was not valid. */
  failed(failure: Failure): void;
  record(event: AuditEvent): void;
  /** Goes on in the file that stands at the configured path now. */
  reopen(): void;
  /** Writes what waits, for a bounded time. */
  close(): Promise<void>;
}

const nothing = (): undefined => undefined;

/** The audit of a gateway that has none. */
export const noAudit: Audit = {
  witness: nothing,
  attached: nothing,
  reached: nothing,
  killed: nothing,
  denied: nothing,
  hidden: nothing,
  ticketIssued: nothing,
  shared: nothing,
  failed: nothing,
  record: nothing,
  reopen: nothing,
  close: () => Promise.resolve(),
};

export function createAudit(trail: AuditTrail, describe: DescribeCommand, clock: Clock): Audit {
  const record = (event: AuditEvent): void => trail.record(event);
  const attach = (caller: Caller, verb: Verb, { id, request }: Pick<Session, "id" | "request">, by: string): void =>
    record({ event: "session.attach", session: id, ...actorOf(caller), owner: request.principal, verb, by });
  return {
    witness: (caller) => createExecWitness(trail, describe, caller),
    attached: attach,
    reached(caller, verb, session, by) {
      if (session.request.principal !== caller.principal.subject) attach(caller, verb, session, by);
    },
    killed: (caller, { id, request }) => record({ event: "session.kill", session: id, ...actorOf(caller), owner: request.principal }),
    denied(caller, verb, { target, spec }, { refusal, rule = null, condition = null }) {
      const asked = verb === "exec" ? describe(spec.command) : {};
      record({ event: "authz.deny", ...actorOf(caller), verb, target: targetFacts(target), ...asked, code: refusal.code, rule, condition });
    },
    hidden: (caller, target) =>
      record({
        event: "authz.deny",
        ...actorOf(caller),
        verb: "see",
        target: targetFacts(target),
        code: "TARGET_NOT_FOUND",
        rule: null,
        condition: null,
      }),
    ticketIssued(caller, path, request) {
      const asked = request === undefined ? {} : { target: targetFacts(request.target), ...describe(request.spec.command) };
      record({ event: "ticket.issue", ...actorOf(caller), path, ...asked });
    },
    shared: (caller, { id, request }, share, event) =>
      record({ event, session: id, ...actorOf(caller), owner: request.principal, subject: share }),
    failed: createFailureLimit(clock, record),
    record,
    reopen: () => trail.reopen(),
    close: () => trail.close(),
  };
}
