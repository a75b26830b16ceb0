import type { Session } from "../exec/session.ts";
import { type EncodedStream, type Encoding, encodeStream } from "./encode-output.ts";

/** A session as `GET /v1/sessions/{id}` tells it. */
export function viewSession(session: Session): Record<string, unknown> {
  const { request, outcome } = session;
  return {
    id: session.id,
    state: session.state,
    outcome: outcome?.outcome ?? null,
    exitCode: outcome?.exitCode ?? null,
    signal: outcome?.signal ?? null,
    endedBy: outcome?.endedBy ?? null,
    principal: request.principal,
    target: request.target.id,
    command: request.spec.command,
    mode: request.mode,
    tty: request.spec.tty !== undefined,
    cols: session.size?.cols ?? null,
    rows: session.size?.rows ?? null,
    clients: session.clients.size,
    offset: session.log.end,
    oldestOffset: session.log.start,
    keepMs: request.keepMs,
    createdAt: new Date(session.createdAt).toISOString(),
    startedAt: session.startedAt === undefined ? null : new Date(session.startedAt).toISOString(),
    durationMs: outcome === undefined ? null : rounded(outcome.durationMs),
  };
}

/** The answer of a one-shot exec: how the session ended, and what was collected of its output. */
export async function viewResult(session: Session, encoding: Encoding): Promise<Record<string, unknown>> {
  const outcome = await session.finished;
  const collected = await session.collected;
  const keep = session.request.collect?.keep ?? "head";
  const none = Buffer.alloc(0);
  const { counts } = session.log;
  const stream = (name: "stdout" | "stderr"): EncodedStream =>
    encodeStream(collected?.[name] ?? { kept: none, bytes: counts[name] }, keep, encoding);
  return {
    id: session.id,
    target: session.request.target.id,
    outcome: outcome?.outcome,
    exitCode: outcome?.exitCode,
    signal: outcome?.signal,
    endedBy: outcome?.endedBy,
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    startedAt: new Date(session.startedAt ?? session.createdAt).toISOString(),
    durationMs: rounded(outcome?.durationMs ?? 0),
    drained: outcome?.drained,
    termination: outcome?.termination,
  };
}

/** Milliseconds to the microsecond: more digits say nothing. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
