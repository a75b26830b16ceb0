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
      await trail.commit({
        event: "exec.start",
        ...factsOf(session, actor),
        ...describe(spec.command),
        envNames: Object.keys(spec.env),
        cwd: spec.cwd,
        user: spec.user,
        tty: spec.tty !== undefined,
        mode,
        timeoutMs,
        rule: session.permit.rule,
      });
    },
    failed(session, code) {
      if (isTold) trail.record({ event: "exec.end", ...factsOf(session, actor), outcome: "refused", code, ...bytesOf(session) });
    },
    ended(session, { outcome, exitCode, signal, endedBy, termination, durationMs }) {
      const ending = { outcome, exitCode, signal, endedBy, termination, durationMs };
      trail.record({ event: "exec.end", ...factsOf(session, actor), ...ending, ...bytesOf(session) });
    },
  };
}

function factsOf({ id, request: { target } }: Session, actor: Actor) {
  return { session: id, ...actor, target: targetFacts(target) };
}

function bytesOf({ inputBytes, log }: Session) {
  return { stdinBytes: inputBytes, stdoutBytes: log.counts.stdout, stderrBytes: log.counts.stderr };
}
