import { collect } from "../exec/collect.ts";
import type { Session } from "../exec/session.ts";
import type { ClientView } from "../wire/codec.ts";
import { type EncodedStream, encodeStream } from "./encode-output.ts";

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
    clients: viewClients(session),
    offset: session.log.end,
    oldestOffset: session.log.start,
    keepMs: request.keepMs,
    record: session.permit.record,
    createdAt: new Date(session.createdAt).toISOString(),
    startedAt: session.startedAt === undefined ? null : new Date(session.startedAt).toISOString(),
    durationMs: outcome?.durationMs ?? null,
  };
}

/** Who is attached, as `GET /v1/sessions/{id}` and everybody in the session are told. */
export function viewClients(session: Session): ClientView[] {
  return session.clients.members.map(({ id, principal, role, isConnected, since }) => ({
    id,
    principal,
    role,
    connected: isConnected,
    since: new Date(since).toISOString(),
  }));
}

/**
 * The answer of a one-shot exec: how the session ended, and what was collected of its output. Where nothing was, the end
 * of it that the log still keeps stands for it.
 */
export async function viewResult(session: Session): Promise<Record<string, unknown>> {
  const outcome = await session.finished;
  const { counts } = session.log;
  const { collect: asked } = session.request;
  const encoding = asked?.encoding ?? "auto";
  const keep = session.collected === undefined ? "tail" : (asked?.keep ?? "head");
  const collected = await (session.collected ?? collect(session.log.open({ role: "viewer" }), session.log.cost, "tail"));
  const stream = (name: "stdout" | "stderr"): EncodedStream =>
    encodeStream({ kept: collected[name].kept, bytes: counts[name] }, keep, encoding);
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
    durationMs: outcome?.durationMs,
    drained: outcome?.drained,
    termination: outcome?.termination,
  };
}
