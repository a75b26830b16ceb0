import type { Audit } from "../access/audit/audit.ts";
import type { Caller } from "../access/principal.ts";
import { errorTable, toExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import { unconditional } from "../exec/permit.ts";
import { type ExecRequest, freezeRequest } from "../exec/request.ts";
import type { Runtime, Target } from "../exec/runtime.ts";
import type { Session } from "../exec/session.ts";
import type { Sessions } from "../exec/sessions.ts";
import { resolveTarget } from "../exec/targets.ts";
import type { ProbeDefinition } from "./definition.ts";

export interface CheckDeps {
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly sessions: Sessions;
  readonly audit: Pick<Audit, "witness">;
  readonly clock: Clock;
}

/** What one check found. */
export interface Finding {
  /** Why it is not well; undefined when it is. Made of fixed words and numbers: nothing of the output is in it. */
  readonly fault: string | undefined;
  /** Null unless the command exited. */
  readonly exitCode: number | null;
  readonly durationMs: number;
  /** When it was begun, milliseconds since 1970. */
  readonly checkedAt: number;
  /** The first bytes of stdout, and of stderr where there is room behind it. */
  readonly output: Buffer;
}

/** What of stdout an expectation is looked for in, bytes. */
const matchedBytesMax = 65_536;
/** What is shown of the output, bytes. */
const shownBytesMax = 1024;

const nothing = Buffer.alloc(0);

/** What is run on a target, as policy may be asked about it. */
export function requestOf({ name, command, timeoutMs }: ProbeDefinition, target: Target): ExecRequest {
  return freezeRequest({
    target,
    spec: { command, env: {}, cwd: undefined, user: undefined, tty: undefined, stdin: false },
    mode: "sync",
    principal: `probe:${name}`,
    reason: undefined,
    timeoutMs,
    descendants: "end",
    keepMs: 0,
    collect: { bytesMax: matchedBytesMax, keep: "head", encoding: "auto" },
  });
}

/**
 * Checks one target: an exec like every other, in its limits, observed and audited, but that the configuration asks for it.
 * Never rejects, and is over when the command is gone.
 * @param ended ends what runs when it aborts
 */
export async function check(definition: ProbeDefinition, targetId: string, deps: CheckDeps, ended: AbortSignal): Promise<Finding> {
  const { clock } = deps;
  const checkedAt = clock.now();
  const beganMs = clock.monotonicMs();
  const late = new AbortController();
  const cancel = clock.after(definition.timeoutMs, () => late.abort());
  const found = await run(definition, targetId, deps, late.signal, ended)
    .catch((cause: unknown) => ({ fault: explain(cause), exitCode: null, output: nothing }))
    .finally(cancel);
  // A command that has exited by then did so in its time: what is waited for behind it is the end of its streams.
  const isLate = late.signal.aborted && found.exitCode === null;
  const fault = isLate ? `took longer than ${definition.timeoutMs} ms` : found.fault;
  return { ...found, fault, durationMs: clock.monotonicMs() - beganMs, checkedAt };
}

type Found = Pick<Finding, "fault" | "exitCode" | "output">;

async function run(definition: ProbeDefinition, targetId: string, deps: CheckDeps, late: AbortSignal, ended: AbortSignal): Promise<Found> {
  const target = await unlessAborted(resolveTarget(deps.runtimes, targetId), late);
  const request = requestOf(definition, target);
  const permit = { ...unconditional, rule: `probes.${definition.name}` };
  const session = deps.sessions.admit(request, permit, deps.audit.witness(callerOf(request)));
  const stop = (): void => session.stop("policy");
  const stopLate = (): void => session.stop("timeout");
  ended.addEventListener("abort", stop, { once: true });
  late.addEventListener("abort", stopLate, { once: true });
  if (ended.aborted) stop();
  try {
    await session.start();
    return await judge(definition, session);
  } finally {
    ended.removeEventListener("abort", stop);
    deps.sessions.forget(session);
  }
}

/** Who runs a probe, to the audit trail. */
function callerOf({ principal }: ExecRequest): Caller {
  return {
    principal: { subject: principal, groups: [], credential: "configuration", expiresAt: undefined },
    from: "gateway",
    reason: undefined,
  };
}

async function judge({ expect }: ProbeDefinition, session: Session): Promise<Found> {
  const ending = await session.finished;
  const collected = await session.collected;
  const stdout = collected?.stdout.kept ?? nothing;
  const exitCode = ending?.exitCode ?? null;
  const found = { exitCode, output: beginningOf(stdout, collected?.stderr.kept ?? nothing) };
  if (ending?.outcome !== "exited") return { ...found, fault: `the command was ${ending?.outcome ?? "not started"}` };
  if (exitCode !== expect.exitCode) return { ...found, fault: `exited with ${exitCode}, not ${expect.exitCode}` };
  const isExpected = expect.stdoutMatches?.isIn(stdout.toString("utf8")) !== false;
  return { ...found, fault: isExpected ? undefined : "stdout is not as expected" };
}

/** A copy of its own: a slice would keep all that was collected. */
function beginningOf(stdout: Buffer, stderr: Buffer): Buffer {
  const output = Buffer.allocUnsafeSlow(Math.min(shownBytesMax, stdout.length + stderr.length));
  stderr.copy(output, stdout.copy(output));
  return output;
}

function explain(cause: unknown): string {
  const { code } = toExecgateError(cause);
  return `${code}: ${errorTable[code].title}`;
}

/** What the promise comes to, unless the signal aborts first; then it rejects, and nobody waits any more. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}
