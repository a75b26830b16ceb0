import type { FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import type { Authorized } from "../../access/authorizer.ts";
import type { Caller, Verb } from "../../access/principal.ts";
import { ExecgateError, errorTable, toExecgateError } from "../../errors.ts";
import type { Session } from "../../exec/session.ts";
import { nativeSubprotocol, type Subprotocol, selectSubprotocol, subprotocols } from "../../wire/index.ts";
import { admit } from "../admit.ts";
import { answers, noBody } from "../answers.ts";
import { callerOf } from "../caller.ts";
import type { App, RouteDeps, ServerLimits } from "../deps.ts";
import { requestFromQuery } from "../exec-request.ts";
import { feed } from "../feed.ts";
import { onClientGone } from "../gatekeeper.ts";
import { flagOf, listOf, numberOf } from "../query.ts";
import { chooseReason } from "../reason.ts";
import { type AttachQuery, attachQuery, type ExecQuery, execQuery, idParams, kubernetesFlags } from "../schemas.ts";
import { type AttachOptions, ExecSocket, type SocketDeps } from "../socket.ts";
import { writeApart } from "../write-apart.ts";

/**
 * Enough for a line of 50 ms to carry 5 MB/s and for xterm.js, which rests for 4 ms whenever it has run dry; little enough
 * that ^C shows soon, bytes: a browser draws short lines at a few MB/s, and what is under way or was read ahead is drawn before it.
 */
const ackWindowMax = 256 * 1024;

/** What is not acknowledged stands in the log, which must have room for more: else a client that saves its acknowledgements up waits for ever. */
function ackWindowOf({ replayBytes }: ServerLimits): number {
  return Math.min(ackWindowMax, Math.floor(replayBytes / 2));
}

/**
 * The WebSockets: `GET /v1/exec` starts a command, `GET /v1/sessions/{id}/attach` joins one. Everything is checked
 * before the upgrade, so that a refusal is a plain HTTP answer; the command is started after it.
 */
export function execSocketRoutes(app: App, deps: RouteDeps): void {
  execRoute(app, deps);
  attachRoute(app, deps);
}

/** What a socket needs of the server. */
function socketDepsOf({ clock, heartbeat, limits, metrics }: RouteDeps): SocketDeps {
  return { clock, heartbeat, slowClientMs: limits.slowClientMs, ackWindow: ackWindowOf(limits), refused: metrics.refused };
}

/** Takes the request in for the socket that is to come. */
export function admitForSocket(request: FastifyRequest, authorized: Authorized, deps: RouteDeps): void {
  const session = admit(authorized, deps);
  request.admitted = session;
  // Until the socket speaks for the client, its connection does: who leaves during the upgrade starts nothing.
  request.releaseAdmitted = onClientGone(request, () => session.stop("disconnect"));
  void session.finished.then(request.releaseAdmitted);
}

/** The streams that a client wants. */
export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** What a client wants of the command that its socket starts. */
interface SocketWishes {
  readonly wants: WantedStreams;
  readonly flow: "ack" | undefined;
  /** What is written first, and then closed. */
  readonly stdin: Buffer | undefined;
}

/** Starts the command that was admitted, and joins the socket to it. */
export function serveAdmitted(ws: WebSocket, request: FastifyRequest, protocol: Subprotocol, wishes: SocketWishes, deps: RouteDeps): void {
  const session = request.admitted;
  if (session === undefined) {
    ws.close(4500);
    return;
  }
  // From here on the socket says what becomes of the session when its client goes, which may be that it is kept.
  request.releaseAdmitted?.();
  const { subject: principal } = request.principal;
  const options = { principal, role: "writer", isAcknowledged: wishes.flow === "ack", isEndTold: protocol !== nativeSubprotocol } as const;
  const codec = subprotocols[protocol]({ tty: session.request.spec.tty !== undefined, ...wishes.wants });
  countClient(ws, protocol, deps);
  if (protocol !== nativeSubprotocol) writeApart(request.raw.socket);
  const socket = new ExecSocket(ws, codec, session, options, socketDepsOf(deps));
  watch(ws, socket, session, "attach", request, deps);
  const start = async (): Promise<void> => {
    await session.start();
    if (wishes.stdin !== undefined) feed(session, wishes.stdin);
  };
  void socket.run(start).catch((cause: unknown) => request.log.error({ err: cause }, "socket failed"));
}

export function upgradeOnly(_request: FastifyRequest, reply: FastifyReply): never {
  reply.headers({ connection: "upgrade", upgrade: "websocket" });
  throw new ExecgateError("UPGRADE_REQUIRED", "Open this path as a WebSocket, or POST to /v1/exec for an answer in one piece.");
}

function execRoute(app: App, deps: RouteDeps): void {
  app.route({
    method: "GET",
    url: "/v1/exec",
    schema: {
      summary: "WebSocket: run a command and talk to it",
      querystring: execQuery,
      response: answers({ 101: noBody("The command runs") }),
    },
    config: { access: "authenticated", isSocket: true },
    preValidation: async (request) => {
      if (chooseSubprotocol(request) !== nativeSubprotocol) normalizeKubernetesQuery(request.query);
      else refuseKubernetesFields(request.query);
    },
    preHandler: async (request, reply) => {
      if (!request.ws) upgradeOnly(request, reply);
      refuseUnspokenFlow(request);
      admitForSocket(request, await wantedBy(request, deps), deps);
    },
    handler: upgradeOnly,
    wsHandler: (ws, request) => serveAdmitted(ws, request, chooseSubprotocol(request), wishesOf(request), deps),
  });
}

function attachRoute(app: App, deps: RouteDeps): void {
  app.route({
    method: "GET",
    url: "/v1/sessions/:id/attach",
    schema: {
      summary: "WebSocket: join a session",
      querystring: attachQuery,
      params: idParams,
      response: answers({ 101: noBody("Joined") }),
    },
    config: { access: "authenticated", isSocket: true },
    preHandler: async (request, reply) => {
      if (!request.ws) upgradeOnly(request, reply);
      if (chooseSubprotocol(request) !== nativeSubprotocol) {
        throw new ExecgateError("BAD_REQUEST", `Attach speaks ${nativeSubprotocol} only.`, { field: "Sec-WebSocket-Protocol" });
      }
      request.reason = chooseReason(request.query.reason, request.reason);
      request.admitted = findAttachable(request.params.id, request.query, request, deps);
    },
    handler: upgradeOnly,
    wsHandler: (ws, request) =>
      serveJoined(ws, request, nativeSubprotocol, { stdin: true, stdout: true, stderr: true }, request.query, deps),
  });
}

/** Joins the socket to the session that was found for it. */
export function serveJoined(
  ws: WebSocket,
  request: FastifyRequest,
  protocol: Subprotocol,
  wants: WantedStreams,
  query: AttachQuery,
  deps: RouteDeps,
): void {
  const session = request.admitted;
  if (session === undefined) {
    ws.close(4500);
    return;
  }
  deps.audit.attached(request, verbOf(query), session, request.share === undefined ? "socket" : "share");
  const isEndTold = protocol !== nativeSubprotocol;
  const spoken = subprotocols[protocol]({ tty: session.request.spec.tty !== undefined, ...wants });
  // Kubernetes clients that only watch do not know it, and tell the size of their terminal.
  const codec = isEndTold && query.role === "viewer" ? { ...spoken, decode: () => [] } : spoken;
  countClient(ws, protocol, deps);
  if (protocol !== nativeSubprotocol) writeApart(request.raw.socket);
  try {
    const options = attachOptions(query, nameOf(request), isEndTold);
    const socket = new ExecSocket(ws, codec, session, options, socketDepsOf(deps));
    watch(ws, socket, session, verbOf(query), request, deps);
    watchShare(ws, socket, request, deps);
    void socket.run().catch((cause: unknown) => request.log.error({ err: cause }, "socket failed"));
  } catch (cause) {
    // What was there before the upgrade may be gone by now.
    const { code, message } = toExecgateError(cause);
    for (const frame of codec.encode({ type: "error", code, message })) ws.send(frame);
    ws.close(isEndTold ? 1000 : errorTable[code].close);
  }
}

/** What the others in the session are told that somebody is. */
function nameOf({ share, principal }: FastifyRequest): string {
  return share === undefined ? principal.subject : `share:${share.id}`;
}

/** Ends the socket with the share that it came by. */
function watchShare(ws: WebSocket, socket: ExecSocket, { share }: FastifyRequest, { shares }: RouteDeps): void {
  if (share === undefined) return;
  const end = (): void => socket.end(new ExecgateError("UNAUTHENTICATED", "The share has expired or was revoked."));
  ws.once("close", shares.watch(share, end));
}

function attachOptions({ role = "writer", offset, flow, client }: AttachQuery, principal: string, isEndTold: boolean): AttachOptions {
  const from = offset === undefined ? undefined : Number(offset);
  return { principal, role, client, offset: from, isAcknowledged: flow === "ack", isEndTold };
}

/** What is to run: by the query, or by the ticket, which was decided on before and is decided on again. */
function wantedBy(request: FastifyRequest<{ Querystring: ExecQuery }>, deps: RouteDeps): Promise<Authorized> | Authorized {
  const { ticket, principal, from } = request;
  if (ticket?.kind !== "exec") return requestFromQuery(request.query, request, deps);
  const { request: wanted } = ticket.wanted;
  return deps.authorizer.authorizeExec({ principal, from, reason: wanted.reason }, wanted);
}

/** Which streams the client wants, and how. */
function wishesOf({ ticket, query, admitted }: FastifyRequest<{ Querystring: ExecQuery }>): SocketWishes {
  if (ticket?.kind === "exec") {
    const wants = { stdin: admitted?.request.spec.stdin === true, stdout: true, stderr: true };
    return { wants, flow: ticket.flow, stdin: ticket.stdin };
  }
  const { stdin, stdout, stderr, flow } = query;
  return { wants: { stdin: flagOf(stdin, true), stdout: flagOf(stdout, true), stderr: flagOf(stderr, true) }, flow, stdin: undefined };
}

function verbOf({ role }: AttachQuery): Verb {
  return role === "viewer" ? "view" : "attach";
}

/** Ends the socket when its client may not go on. */
function watch(ws: WebSocket, socket: ExecSocket, { request }: Session, verb: Verb, caller: Caller, { grants }: RouteDeps): void {
  ws.once("close", grants.add({ ...callerOf(caller), verb, request, end: (reason) => socket.end(reason) }));
}

/**
 * The session of this id, when the caller may attach to it as the query says.
 * @throws SESSION_NOT_FOUND; FORBIDDEN; BAD_REQUEST for an offset that is not reached yet; CLIENT_NOT_FOUND, TOO_MANY_CLIENTS
 */
export function findAttachable(id: string, query: AttachQuery, caller: Caller, { authorizer, sessions }: RouteDeps): Session {
  if (query.client !== undefined && query.role === "viewer") {
    throw new ExecgateError("BAD_REQUEST", "A viewer has no place to come back to; leave client out and give an offset.", {
      field: "client",
    });
  }
  const session = authorizer.authorizeSession(caller, verbOf(query), sessions.get(id));
  session.clients.check(query.client, caller.principal.subject);
  const { end } = session.log;
  if (numberOf(query.offset, 0) <= end) return session;
  throw new ExecgateError("BAD_REQUEST", `offset is ${query.offset}; only ${end} bytes were written so far.`, { field: "offset" });
}

/** The client's first that is known; the native one when it offers none. @throws BAD_REQUEST when it offers only others */
function chooseSubprotocol(request: FastifyRequest): Subprotocol {
  if (request.subprotocols.length === 0) return nativeSubprotocol;
  const chosen = selectSubprotocol(request.subprotocols);
  if (chosen !== undefined) return chosen;
  const message = `None of the offered subprotocols is known; offer one of ${Object.keys(subprotocols).join(", ")}.`;
  throw new ExecgateError("BAD_REQUEST", message, { field: "Sec-WebSocket-Protocol" });
}

/** To a Kubernetes client a flag is false when it is absent, `0` or any-case `false`, and true otherwise. One that came twice is left to be refused. */
export function normalizeKubernetesFlags(query: { [name in (typeof kubernetesFlags)[number]]?: string | string[] | undefined }): void {
  for (const name of kubernetesFlags) {
    const value = query[name];
    if (Array.isArray(value)) continue;
    query[name] = value === undefined || value === "0" || value.toLowerCase() === "false" ? "0" : "1";
  }
}

/** The same for a command that is to be started: their terminals are told to be an `xterm`, as by kubectl and the container runtimes. */
export function normalizeKubernetesQuery(query: Partial<ExecQuery>): void {
  normalizeKubernetesFlags(query);
  const env = listOf(query.env);
  if (query.tty === "1" && !env.some((pair) => pair.startsWith("TERM="))) query.env = [...env, "TERM=xterm"];
}

function refuseKubernetesFields(query: ExecQuery): void {
  for (const field of ["stdout", "stderr", "container"] as const) {
    if (query[field] === undefined) continue;
    throw new ExecgateError("BAD_REQUEST", `${field} is a parameter of the Kubernetes subprotocols only.`, { field });
  }
}

/** Whoever cannot acknowledge would be waited for until the end. @throws BAD_REQUEST */
function refuseUnspokenFlow(request: FastifyRequest<{ Querystring: ExecQuery }>): void {
  if (wishesOf(request).flow === undefined || chooseSubprotocol(request) === nativeSubprotocol) return;
  throw new ExecgateError("BAD_REQUEST", `Output is acknowledged in ${nativeSubprotocol} only; leave flow out.`, { field: "flow" });
}

function countClient(ws: WebSocket, protocol: string, { metrics }: RouteDeps): void {
  metrics.clientCame(protocol);
  ws.once("close", () => metrics.clientLeft(protocol));
}
