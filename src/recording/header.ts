import type { ExecMode, ExecRequest } from "../exec/request.ts";
import { freezeRequest } from "../exec/request.ts";
import type { Target } from "../exec/runtime.ts";
import type { Session } from "../exec/session.ts";
import { escapeUnseen } from "../unseen.ts";

/** What policy has to know of a run to say who may see its recording. It stands in the file, which may outlive the gateway. */
interface Facts {
  readonly session: string;
  readonly principal: string;
  readonly target: Pick<Target, "id" | "runtime" | "name" | "immutableId"> & Partial<Pick<Target, "labels">>;
  readonly command: readonly string[];
  /** Names only: values are never written down. */
  readonly envNames: readonly string[];
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
  readonly tty: boolean;
  readonly mode: ExecMode;
  readonly startedAt: string;
}

/** The first line of a file, read again. */
export interface RecordingHeader {
  readonly cols: number;
  readonly rows: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The run that was recorded, as far as policy asks for it. */
  readonly request: ExecRequest;
}

/** The header of asciicast v2 for a session that is about to start, as a line. Players pass over the key `execgate`. */
export function headerLine(session: Session, nowMs: number): string {
  const { request, size, id } = session;
  const { target, spec } = request;
  const execgate: Facts = {
    session: id,
    principal: request.principal,
    target: { id: target.id, runtime: target.runtime, name: target.name, immutableId: target.immutableId, labels: target.labels },
    command: spec.command,
    envNames: Object.keys(spec.env),
    cwd: spec.cwd,
    user: spec.user,
    tty: spec.tty !== undefined,
    mode: request.mode,
    startedAt: new Date(nowMs).toISOString(),
  };
  const { cols, rows } = size ?? { cols: 80, rows: 24 };
  const header = { version: 2, width: cols, height: rows, timestamp: Math.floor(nowMs / 1000), title: target.id, execgate };
  return `${escapeUnseen(JSON.stringify(header))}\n`;
}

/** Reads a first line. @returns undefined when the gateway did not write it */
export function readHeader(line: string): RecordingHeader | undefined {
  try {
    const { version, width, height, execgate } = JSON.parse(line) as { version: number; width: number; height: number; execgate: Facts };
    if (version !== 2) return undefined;
    return { cols: width, rows: height, startedAt: Date.parse(execgate.startedAt), request: requestOf(execgate, width, height) };
  } catch {
    return undefined;
  }
}

function requestOf(facts: Facts, cols: number, rows: number): ExecRequest {
  const { principal, target, command, envNames, cwd, user, tty, mode } = facts;
  const env = Object.fromEntries(envNames.map((name) => [name, ""]));
  return freezeRequest({
    target: { ...target, state: "unknown", labels: target.labels },
    spec: { command, env, cwd, user, tty: tty ? { cols, rows } : undefined, stdin: false },
    mode,
    principal,
    reason: undefined,
    timeoutMs: 0,
    descendants: "end",
    keepMs: 0,
    collect: undefined,
  });
}
