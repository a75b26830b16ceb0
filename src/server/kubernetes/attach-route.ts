import type { FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { ExecgateError } from "../../errors.ts";
import type { Session } from "../../exec/session.ts";
import type { App, RouteDeps } from "../deps.ts";
import { flagOf } from "../query.ts";
import { findAttachable, normalizeKubernetesFlags, serveJoined, upgradeOnly } from "../routes/exec-socket.ts";
import { chooseChannels, refuseSpdy } from "./exec-route.ts";
import { sessionContainer, sessionsNamespace } from "./pods.ts";
import { podAttachQuery, podParams } from "./schemas.ts";

const options = {
  url: "/api/v1/namespaces/:namespace/pods/:name/attach",
  schema: { hide: true, querystring: podAttachQuery, params: podParams },
} as const;

type AttachRequest = FastifyRequest<{ Querystring: Static<typeof podAttachQuery>; Params: Static<typeof podParams> }>;

/** `pods/attach`: joins a live session, as a writer when stdin is asked for and else as a viewer. */
export function podAttachRoutes(app: App, deps: RouteDeps): void {
  const preValidation = async (request: AttachRequest): Promise<void> => normalizeKubernetesFlags(request.query);

  app.route({
    ...options,
    method: "GET",
    config: { access: "authenticated", isSocket: true },
    preValidation,
    preHandler: async (request, reply) => {
      if (!request.ws) upgradeOnly(request, reply);
      chooseChannels(request);
      request.admitted = findLive(request, deps);
    },
    handler: upgradeOnly,
    wsHandler: (ws, request) => {
      const { stdin, stdout, stderr } = request.query;
      const wants = { stdin: flagOf(stdin, false), stdout: flagOf(stdout, false), stderr: flagOf(stderr, false) };
      serveJoined(ws, request, chooseChannels(request), wants, { role: roleOf(request) }, deps);
    },
  });

  app.route({
    ...options,
    method: "POST",
    config: { access: "authenticated" },
    preValidation,
    handler: async (request, reply) => {
      findLive(request, deps);
      return refuseSpdy(request, reply);
    },
  });
}

function roleOf({ query }: AttachRequest): "writer" | "viewer" {
  return flagOf(query.stdin, false) ? "writer" : "viewer";
}

/** @throws NOT_SUPPORTED, SESSION_NOT_FOUND, SESSION_ENDED, FORBIDDEN, BAD_REQUEST */
function findLive(request: AttachRequest, deps: RouteDeps): Session {
  const { namespace, name } = request.params;
  const { container = "" } = request.query;
  if (namespace !== sessionsNamespace) {
    throw new ExecgateError(
      "NOT_SUPPORTED",
      `Only the pods in the namespace ${sessionsNamespace} can be attached to; use exec for this one.`,
    );
  }
  const session = findAttachable(name.toUpperCase(), { role: roleOf(request) }, request, deps);
  if (session.state === "ended") throw new ExecgateError("SESSION_ENDED", "The session is over.");
  if (container === "" || container === sessionContainer) return session;
  const message = `There is no container ${JSON.stringify(container)} in the pod ${name}; it has ${sessionContainer}.`;
  throw new ExecgateError("BAD_REQUEST", message, { field: "container" });
}
