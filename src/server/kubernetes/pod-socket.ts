import type { FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { ExecgateError } from "../../errors.ts";
import type { Static } from "../../typebox.ts";
import { nativeSubprotocol, type Subprotocol, selectSubprotocol } from "../../wire/index.ts";
import type { App } from "../deps.ts";
import { flagOf } from "../query.ts";
import { upgradeOnly, type WantedStreams } from "../routes/exec-socket.ts";
import { type podAttachQuery, type podExecQuery, podParams } from "./schemas.ts";

/** What the query of `attach` has is in that of `exec`, too. */
type PodQuery = Static<typeof podExecQuery>;
export type PodRequest = FastifyRequest<{ Querystring: PodQuery; Params: Static<typeof podParams> }>;

/** A subresource of pods that is a WebSocket with the channels of Kubernetes. */
export interface PodSocket {
  readonly subresource: "exec" | "attach";
  readonly querystring: typeof podExecQuery | typeof podAttachQuery;
  /** Makes of flags in the query what the gateway's own are. */
  normalize(query: PodQuery): void;
  /** Lets the request's socket in, which is to come. @throws why it may not be */
  admit(request: PodRequest): Promise<void>;
  /** @throws what `admit` throws; leaves nothing behind */
  check(request: PodRequest): Promise<void>;
  serve(ws: WebSocket, request: PodRequest, protocol: Subprotocol, wants: WantedStreams): void;
}

/** GET as a WebSocket does it; POST is what clients fall back to, and tells them why it cannot. */
export function podSocketRoutes(app: App, { subresource, querystring, normalize, admit, check, serve }: PodSocket): void {
  const options = {
    url: `/api/v1/namespaces/:namespace/pods/:name/${subresource}`,
    schema: { hide: true, querystring, params: podParams },
    preValidation: async (request: PodRequest): Promise<void> => normalize(request.query),
  } as const;

  app.route({
    ...options,
    method: "GET",
    config: { access: "authenticated", isSocket: true },
    preHandler: async (request, reply) => {
      if (!request.ws) upgradeOnly(request, reply);
      chooseChannels(request);
      await admit(request);
    },
    handler: upgradeOnly,
    wsHandler: (ws, request) => {
      const { stdin, stdout, stderr } = request.query;
      const wants = { stdin: flagOf(stdin, false), stdout: flagOf(stdout, false), stderr: flagOf(stderr, false) };
      serve(ws, request, chooseChannels(request), wants);
    },
  });

  app.route({
    ...options,
    method: "POST",
    config: { access: "authenticated" },
    handler: async (request, reply) => {
      // Whoever was refused the WebSocket sees this answer only: it is refused for the same reason.
      await check(request);
      return refuseSpdy(request, reply);
    },
  });
}

/** What clients are told that speak SPDY. */
function refuseSpdy(_request: FastifyRequest, _reply: FastifyReply): never {
  const message =
    "This gateway speaks WebSocket, and no SPDY: use kubectl 1.30 or newer (1.29 with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true); " +
    "if yours is, something between it and the gateway does not let WebSockets through.";
  throw new ExecgateError("UPGRADE_REQUIRED", message);
}

/** The client's first of the Kubernetes subprotocols that is known. @throws BAD_REQUEST */
function chooseChannels(request: FastifyRequest): Subprotocol {
  const chosen = selectSubprotocol(request.subprotocols);
  if (chosen !== undefined && chosen !== nativeSubprotocol) return chosen;
  const message = "Offer the subprotocol v5.channel.k8s.io or v4.channel.k8s.io; the gateway's own is spoken at /v1/exec.";
  throw new ExecgateError("BAD_REQUEST", message, { field: "Sec-WebSocket-Protocol" });
}
