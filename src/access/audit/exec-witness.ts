import type { Session } from "../../exec/session.ts";
import type { Witness } from "../../exec/witness.ts";
import type { Caller } from "../principal.ts";
import type { DescribeCommand } from "./command.ts";
import { type Actor, actorOf, targetFacts } from "./events.ts";
import type { AuditTrail } from "./trail.ts";

/**
 * Writes down the start and the end of one exec. The start is on disk before the command runs; whatever comes of it then,
 * also that nothing was started, the end says.
 */
export function createExecWitness(trail: AuditTrail, describe: DescribeCommand, caller: Caller): Witness {
  const actor = actorOf(caller);
  let isTold = false;
  return {
    async starting(session) {
      isTold = true;
      const { spec, mode, timeoutMs } = session.request;
      const asked = {
        envNames: Object.keys(spec.env),
        cwd: spec.cwd,
        user: spec.user,
        tty: spec.tty !== undefined,
        mode,
        timeoutMs,
        rule: session.permit.rule,
      };
      await trail.commit(Object.assign(factsOf("exec.start", session, actor), describe(spec.command), asked));
    },
    failed(session, code) {
      if (isTold) trail.record(Object.assign(factsOf("exec.end", session, actor), { outcome: "refused", code }, bytesOf(session)));
    },
    ended(session, { outcome, exitCode, signal, endedBy, termination, durationMs }) {
      const ending = { outcome, exitCode, signal, endedBy, termination, durationMs };
      trail.record(Object.assign(factsOf("exec.end", session, actor), ending, bytesOf(session)));
    },
  };
}

/** Put together by assigning, not by spreads, for which V8 makes a shape for each object that only a full collection frees. */
function factsOf<Event extends string>(event: Event, { id, request: { target } }: Session, actor: Actor) {
  return Object.assign({ event, session: id }, actor, { target: targetFacts(target) });
}

function bytesOf({ inputBytes, log }: Session) {
  return { stdinBytes: inputBytes, stdoutBytes: log.counts.stdout, stderrBytes: log.counts.stderr };
}
