import type { FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { ExecgateError } from "../../errors.ts";
import { nativeSubprotocol, type Subprotocol, selectSubprotocol, subprotocols } from "../../wire/index.ts";
import type { App, RouteDeps } from "../deps.ts";
import { requestFromQuery } from "../exec-request.ts";
import { onClientGone } from "../gatekeeper.ts";
import { flagOf, listOf } from "../query.ts";
import { attachQuery, type ExecQuery, execQuery, idParams, kubernetesFlags } from "../schemas.ts";
import { ExecSocket } from "../socket.ts";

/**
 * The WebSockets: `GET /v1/exec` starts a command, `GET /v1/sessions/{id}/attach` joins one. Everything is checked
 * before the upgrade, so that a refusal is a plain HTTP answer; the command is started after it.
 */
export function execSocketRoutes(app: App, deps: RouteDeps): void {
  const { clock, heartbeat, limits, metrics } = deps;
  const socketDeps = { clock, heartbeat, slowClientMs: limits.slowClientMs, refused: metrics.refused };
  const upgradeOnly = (_request: FastifyRequest, reply: FastifyReply): never => {
    reply.headers({ connection: "upgrade", upgrade: "websocket" });
    throw new ExecgateError("UPGRADE_REQUIRED", "Open this path as a WebSocket, or POST to /v1/exec for an answer in one piece.");
  };

  app.route({
    method: "GET",
    url: "/v1/exec",
    schema: { querystring: execQuery },
    config: { access: "authenticated", isSocket: true },
    preValidation: async (request) => {
      if (chooseSubprotocol(request) !== nativeSubprotocol) normalizeKubernetesQuery(request.query);
      else refuseKubernetesFields(request.query);
    },
    preHandler: async (request, reply) => {
      if (!request.ws) upgradeOnly(request, reply);
      const wanted = await requestFromQuery(request.query, request.principal, deps);
      const session = deps.sessions.admit(wanted);
      request.admitted = session;
      // Until the socket speaks for the client, its connection does: who leaves during the upgrade starts nothing.
      void session.finished.then(onClientGone(request, () => session.stop("disconnect")));
    },
    handler: upgradeOnly,
    wsHandler: (ws, request) => {
      const session = request.admitted;
      if (session === undefined) return ws.close(4500);
      const { stdin, stdout, stderr, flow } = request.query;
      const wants = { stdin: flagOf(stdin, true), stdout: flagOf(stdout, true), stderr: flagOf(stderr, true) };
      const options = { role: "writer", isAcknowledged: flow === "ack" } as const;
      const protocol = chooseSubprotocol(request);
      const codec = subprotocols[protocol]({ tty: session.request.spec.tty !== undefined, ...wants });
      countClient(ws, protocol, deps);
      return void new ExecSocket(ws, codec, session, options, socketDeps)
        .run(() => session.start())
        .catch((cause: unknown) => request.log.error({ err: cause }, "socket failed"));
    },
  });

  app.route({
    method: "GET",
    url: "/v1/sessions/:id/attach",
    schema: { querystring: attachQuery, params: idParams },
    config: { access: "authenticated", isSocket: true },
    preHandler: async (request, reply) => {
      if (!request.ws) upgradeOnly(request, reply);
      if (chooseSubprotocol(request) !== nativeSubprotocol) {
        throw new ExecgateError("BAD_REQUEST", `Attach speaks ${nativeSubprotocol} only.`, { field: "Sec-WebSocket-Protocol" });
      }
      const verb = request.query.role === "viewer" ? "view" : "attach";
      request.admitted = deps.access.authorizeSession(request.principal, verb, deps.sessions.get(request.params.id));
    },
    handler: upgradeOnly,
    wsHandler: (ws, request) => {
      const session = request.admitted;
      if (session === undefined) return ws.close(4500);
      const { role = "writer", offset, flow } = request.query;
      const options = { role, offset: offset === undefined ? undefined : Number(offset), isAcknowledged: flow === "ack" };
      const codec = subprotocols[nativeSubprotocol]({
        tty: session.request.spec.tty !== undefined,
        stdin: true,
        stdout: true,
        stderr: true,
      });
      countClient(ws, nativeSubprotocol, deps);
      return void new ExecSocket(ws, codec, session, options, socketDeps)
        .run()
        .catch((cause: unknown) => request.log.error({ err: cause }, "socket failed"));
    },
  });
}

/** The client's first that is known; the native one when it offers none. @throws BAD_REQUEST when it offers only others */
function chooseSubprotocol(request: FastifyRequest): Subprotocol {
  if (request.subprotocols.length === 0) return nativeSubprotocol;
  const chosen = selectSubprotocol(request.subprotocols);
  if (chosen !== undefined) return chosen;
  const message = `None of the offered subprotocols is known; offer one of ${Object.keys(subprotocols).join(", ")}.`;
  throw new ExecgateError("BAD_REQUEST", message, { field: "Sec-WebSocket-Protocol" });
}

/** To a Kubernetes client a terminal is an `xterm`, and a flag is false when it is absent, `0` or any-case `false`, and true otherwise. */
function normalizeKubernetesQuery(query: ExecQuery): void {
  for (const name of kubernetesFlags) {
    const value = query[name];
    query[name] = value === undefined || value === "0" || String(value).toLowerCase() === "false" ? "0" : "1";
  }
  const env = listOf(query.env);
  // Their terminals are told to be what kubectl and the container runtimes tell them.
  if (query.tty === "1" && !env.some((pair) => pair.startsWith("TERM="))) query.env = [...env, "TERM=xterm"];
}

function refuseKubernetesFields(query: ExecQuery): void {
  for (const field of ["stdout", "stderr", "container"] as const) {
    if (query[field] === undefined) continue;
    throw new ExecgateError("BAD_REQUEST", `${field} is a parameter of the Kubernetes subprotocols only.`, { field });
  }
}

function countClient(ws: WebSocket, protocol: string, { metrics }: RouteDeps): void {
  metrics.clientCame(protocol);
  ws.once("close", () => metrics.clientLeft(protocol));
}
