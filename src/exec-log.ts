import type { Logger } from "pino";
import type { Observer } from "./exec/observer.ts";
import type { Outcome } from "./exec/outcome.ts";
import type { Session } from "./exec/session.ts";

/** How much of a command the log shows. */
const shownBytesMax = 256;

/**
 * One line of log for each exec, when it has ended or could not be started. The line of an end is written after the turn of
 * the event loop in which the client is answered, who need not wait for it. It is put together without a spread of two, for
 * which V8 makes a shape for each object: 3 KB that only a full collection frees.
 */
export function createExecLog(log: Logger): Observer {
  return {
    failed: (session, code) => log.warn({ ...facts(session), code }, "exec not started"),
    ended: (session, outcome) => void setImmediate(() => log.info(Object.assign(facts(session), ending(session, outcome)), "exec")),
  };
}

function facts({ id, request }: Session) {
  const { target, spec, mode, principal } = request;
  return { session: id, target: target.id, command: redactCommand(spec.command), tty: spec.tty !== undefined, mode, principal };
}

function ending({ log }: Session, { outcome, exitCode, signal, endedBy, drained, termination, durationMs }: Outcome) {
  return { outcome, exitCode, signal, endedBy, drained, termination, durationMs, bytes: log.end };
}

/**
 * The command as the log may show it: the program's name, and of the arguments only how many there are, because a
 * password stands among them all too often.
 */
export function redactCommand(command: readonly string[]): string {
  const [program, ...rest] = command;
  if (program === undefined) return "(login shell)";
  const name = program.length > shownBytesMax ? `${program.slice(0, shownBytesMax)}…` : program;
  return rest.length === 0 ? name : `${name} (+${rest.length} arguments)`;
}
