import { ExecgateError } from "../../errors.ts";
import type { Session } from "../../exec/session.ts";
import type { App, RouteDeps } from "../deps.ts";
import { flagOf } from "../query.ts";
import { findAttachable, normalizeKubernetesFlags, serveJoined } from "../routes/exec-socket.ts";
import { type PodRequest, podSocketRoutes } from "./pod-socket.ts";
import { sessionContainer, sessionsNamespace } from "./pods.ts";
import { podAttachQuery } from "./schemas.ts";

/** `pods/attach`: joins a live session, as a writer when stdin is asked for and else as a viewer. */
export function podAttachRoutes(app: App, deps: RouteDeps): void {
  podSocketRoutes(app, {
    subresource: "attach",
    querystring: podAttachQuery,
    normalize: normalizeKubernetesFlags,
    async admit(request) {
      request.admitted = findLive(request, deps);
    },
    async check(request) {
      findLive(request, deps);
    },
    serve(ws, request, protocol, wants) {
      serveJoined(ws, request, protocol, wants, { role: roleOf(request) }, deps);
    },
  });
}

function roleOf({ query }: PodRequest): "writer" | "viewer" {
  return flagOf(query.stdin, false) ? "writer" : "viewer";
}

/** @throws NOT_SUPPORTED, SESSION_NOT_FOUND, SESSION_ENDED, FORBIDDEN, BAD_REQUEST */
function findLive(request: PodRequest, deps: RouteDeps): Session {
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
