import type { Session } from "../../exec/session.ts";
import type { Witness } from "../../exec/witness.ts";
import type { Caller } from "../principal.ts";
import type { DescribeCommand } from "./command.ts";
import { type Actor, type AuditedTarget, actorOf, targetFacts } from "./events.ts";
import type { AuditTrail } from "./trail.ts";

/**
 * Writes down the start and the end of one exec. The start is on disk before the command runs; whatever comes of it then,
 * also that nothing was started, the end says.
 *
 * No event begins with a spread: for an object that does, V8 makes a shape of its own, which only a full collection frees.
 */
export function createExecWitness(trail: AuditTrail, describe: DescribeCommand, caller: Caller): Witness {
  /** What both lines say; undefined until the first was told. */
  let facts: (Actor & { readonly session: string; readonly target: AuditedTarget }) | undefined;
  return {
    starting({ id, permit, request }) {
      const { spec, mode, timeoutMs } = request;
      facts = { session: id, ...actorOf(caller), target: targetFacts(request.target) };
      return trail.commit({
        event: "exec.start",
        ...facts,
        ...describe(spec.command),
        envNames: Object.keys(spec.env),
        cwd: spec.cwd,
        user: spec.user,
        tty: spec.tty !== undefined,
        mode,
        timeoutMs,
        rule: permit.rule,
      });
    },
    failed(session, code) {
      if (facts !== undefined) trail.record({ event: "exec.end", ...facts, outcome: "refused", code, ...bytesOf(session) });
    },
    ended(session, { outcome, exitCode, signal, endedBy, termination, durationMs }) {
      const ending = { outcome, exitCode, signal, endedBy, termination, durationMs };
      if (facts !== undefined) trail.record({ event: "exec.end", ...facts, ...ending, ...bytesOf(session) });
    },
  };
}

function bytesOf({ inputBytes, log }: Session) {
  return { stdinBytes: inputBytes, stdoutBytes: log.counts.stdout, stderrBytes: log.counts.stderr };
}
