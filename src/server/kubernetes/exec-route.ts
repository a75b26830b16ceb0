import type { FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import type { Authorized } from "../../access/authorizer.ts";
import { ExecgateError } from "../../errors.ts";
import { nativeSubprotocol, type Subprotocol, selectSubprotocol } from "../../wire/index.ts";
import { admit } from "../admit.ts";
import type { App, RouteDeps } from "../deps.ts";
import { requestFromQuery } from "../exec-request.ts";
import { flagOf, listOf } from "../query.ts";
import { admitForSocket, normalizeKubernetesQuery, serveAdmitted, upgradeOnly } from "../routes/exec-socket.ts";
import type { Cluster } from "./cluster.ts";
import { podExecQuery, podParams } from "./schemas.ts";

const url = "/api/v1/namespaces/:namespace/pods/:name/exec";
const options = {
  url,
  schema: { hide: true, querystring: podExecQuery, params: podParams },
} as const;

type PodRequest = FastifyRequest<{ Querystring: Static<typeof podExecQuery>; Params: Static<typeof podParams> }>;

/** `pods/exec`: GET as a WebSocket runs a command; POST is what clients fall back to, and tells them why it cannot. */
export function podExecRoutes(app: App, deps: RouteDeps, cluster: Cluster): void {
  const wanted = async (request: PodRequest): Promise<Authorized> => {
    const { namespace, name } = request.params;
    const { container, ...query } = request.query;
    if (listOf(query.command).length === 0) {
      throw new ExecgateError("BAD_REQUEST", "command is missing; name the command to run.", { field: "command" });
    }
    const target = await cluster.target(request, namespace, name, container);
    return await requestFromQuery({ ...query, target: target.id }, request, deps);
  };
  const preValidation = async (request: PodRequest): Promise<void> => normalizeKubernetesQuery(request.query);

  app.route({
    ...options,
    method: "GET",
    config: { access: "authenticated", isSocket: true },
    preValidation,
    preHandler: async (request, reply) => {
      if (!request.ws) upgradeOnly(request, reply);
      chooseChannels(request);
      admitForSocket(request, await wanted(request), deps);
    },
    handler: upgradeOnly,
    wsHandler: (ws, request) => {
      const { stdin, stdout, stderr } = request.query;
      const wants = { stdin: flagOf(stdin, false), stdout: flagOf(stdout, false), stderr: flagOf(stderr, false) };
      serveAdmitted(ws, request, chooseChannels(request), { wants, flow: undefined, stdin: undefined }, deps);
    },
  });

  app.route({
    ...options,
    method: "POST",
    config: { access: "authenticated" },
    preValidation,
    handler: async (request, reply) => {
      // Whoever was refused the WebSocket sees this answer only: it is refused for the same reason.
      admit(await wanted(request), deps).stop("disconnect");
      return refuseSpdy(request, reply);
    },
  });
}

/** What clients are told that speak SPDY. */
export function refuseSpdy(_request: FastifyRequest, _reply: FastifyReply): never {
  const message =
    "This gateway speaks WebSocket, and no SPDY: use kubectl 1.30 or newer (1.29 with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true); " +
    "if yours is, something between it and the gateway does not let WebSockets through.";
  throw new ExecgateError("UPGRADE_REQUIRED", message);
}

/** The client's first of the Kubernetes subprotocols that is known. @throws BAD_REQUEST */
export function chooseChannels(request: FastifyRequest): Subprotocol {
  const chosen = selectSubprotocol(request.subprotocols);
  if (chosen !== undefined && chosen !== nativeSubprotocol) return chosen;
  const message = "Offer the subprotocol v5.channel.k8s.io or v4.channel.k8s.io; the gateway's own is spoken at /v1/exec.";
  throw new ExecgateError("BAD_REQUEST", message, { field: "Sec-WebSocket-Protocol" });
}
