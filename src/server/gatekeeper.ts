import type { FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { ExecgateError } from "../errors.ts";
import { type Presented, readCredentials } from "./credentials.ts";
import type { App, AppDeps } from "./deps.ts";
import { sourceOf } from "./front.ts";
import { checkHandshake, webSocketVersion } from "./handshake.ts";
import { checkHead } from "./head.ts";
import { checkHost, checkOrigin, checkSite } from "./origin.ts";
import { refusalOf } from "./problem.ts";
import { parseQuery } from "./query.ts";
import { readReason, reasonHeader } from "./reason.ts";
import { noQuery } from "./schemas.ts";
import { readTrace } from "./trace.ts";

/** The headers of answers that a page of an allowed origin may read. */
const exposedHeaders = "location, preference-applied, retry-after, execgate-offset, execgate-next-offset, www-authenticate";
const preflightHeaders = {
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-allow-headers": "authorization, content-type, prefer, idempotency-key, execgate-reason",
  "access-control-max-age": "600",
} as const;

/**
 * Stands before every route: Host and Origin, then who it is, then a well-formed query. A route that does not say who
 * may come to it stops the start.
 */
export function installGatekeeper(app: App, deps: AppDeps): void {
  const { origins, readFront, authentication } = deps;
  app.decorateRequest("principal");
  app.decorateRequest("reason");
  app.decorateRequest("trace");
  app.decorateRequest("from");
  app.decorateRequest("ticket");
  app.decorateRequest("share");
  app.decorateRequest("subprotocols");
  app.decorateRequest("admitted");
  app.decorateRequest("releaseAdmitted");
  app.addHook("onRoute", requireAccessRule);

  app.addHook("onRequest", async (request, reply) => {
    const { access, anyHost, isOpen } = request.routeOptions.config;
    const isOpenNow = isOpen?.(request) === true;
    reply.header("x-content-type-options", "nosniff");
    checkHead(request.raw);
    const front = readFront(request);
    request.from = front.address;
    if (anyHost !== true && !isOpenNow) checkHost(request, front, origins);
    const corsOrigin = checkOrigin(request, front, origins);
    if (corsOrigin !== undefined) {
      reply.headers({ "access-control-allow-origin": corsOrigin, "access-control-expose-headers": exposedHeaders, vary: "origin" });
      if (request.method === "OPTIONS") return reply.headers(preflightHeaders).code(204).send();
    }
    const presented = readCredentials(request, front.isProxied ? authentication.proxyHeaders : []);
    request.subprotocols = presented.subprotocols;
    if (access !== "public" && !isOpenNow) {
      checkSite(request, presented.credential);
      reply.header("cache-control", "no-store");
      await authenticate(request, presented, deps).catch((cause) => tellFailure(cause, request, presented, deps));
    }
    request.trace = readTrace(request.headers.traceparent);
    request.reason = readReason(request.headers[reasonHeader]);
    if (presented.isCredentialOffered && presented.subprotocols.length === 0) {
      const message = "Beside the credential, offer the subprotocol to speak, such as v1.execgate.";
      throw new ExecgateError("BAD_REQUEST", message, { field: "Sec-WebSocket-Protocol" });
    }
    if (request.ws) refuseOtherUpgrades(request, reply);
    request.query = request.ticket?.kind === "attach" ? { ...request.ticket.query } : parseQuery(request.raw.url ?? "");
    return undefined;
  });
}

/** Sets who it is; with a ticket or a share also what it is that may be done, and nothing else. */
async function authenticate(request: FastifyRequest, { credential }: Presented, deps: AppDeps): Promise<void> {
  const { authentication } = deps;
  const source = sourceOf(request.from);
  if (credential?.scheme === "ticket") {
    await authentication.attempt(source, () => redeemTicket(request, credential.ticket, credential.origin, deps));
  } else if (credential?.scheme === "share") {
    await authentication.attempt(source, () => redeemShare(request, credential.secret, deps));
  } else {
    request.principal = await authentication.authenticate(credential, source);
  }
}

function redeemTicket(request: FastifyRequest, ticket: string, origin: string | undefined, { authentication, tickets }: AppDeps): void {
  const { principal, purpose } = tickets.redeem(ticket, origin);
  const now = authentication.current(principal);
  if (now === undefined) throw new ExecgateError("UNAUTHENTICATED", "The credential that the ticket was given for has ended.");
  const [path, query] = request.url.split("?");
  if (!request.ws || path !== purpose.path) throw new ExecgateError("UNAUTHENTICATED", "The ticket is for another request.");
  if (query !== undefined && query !== "")
    throw new ExecgateError("BAD_REQUEST", "With a ticket the query must be empty: it holds the request.", { field: "query" });
  request.principal = now;
  request.ticket = purpose;
}

/** Whoever comes by a share acts by the right of who gave it out, as far as that goes now, and only on the one WebSocket. */
function redeemShare(request: FastifyRequest, secret: string, { authentication, shares }: AppDeps): void {
  const share = shares.redeem(secret);
  const issuer = authentication.current(share.issuer);
  if (issuer === undefined) throw new ExecgateError("UNAUTHENTICATED", "The credential of whoever gave out the share has ended.");
  if (!request.ws || request.url.split("?")[0] !== `/v1/sessions/${share.session}/attach`) {
    throw new ExecgateError("UNAUTHENTICATED", "The share is for watching its session, at the session's own path for attach.");
  }
  request.principal = issuer;
  request.share = share;
}

/** Writes down that a credential was not valid, and refuses it. */
function tellFailure(cause: unknown, { from, method, url }: FastifyRequest, { credential }: Presented, { audit }: AppDeps): never {
  const { code, message } = refusalOf(cause);
  const event = credential?.scheme === "ticket" ? "ticket.refuse" : "authn.failure";
  audit.failed({ event, source: from, method, path: url.split("?")[0] ?? "", code, message });
  throw cause;
}

/** An upgrade takes the connection out of HTTP for good, so one that leads nowhere is not made. */
function refuseOtherUpgrades({ headers, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  if (routeOptions.config.isSocket !== true || headers.upgrade?.toLowerCase() !== "websocket") {
    const message = "There is nothing to upgrade to at this path; send the request without the Upgrade header.";
    throw new ExecgateError("BAD_REQUEST", message, { field: "Upgrade" });
  }
  // A refusal says which version is spoken (RFC 6455).
  reply.header("sec-websocket-version", webSocketVersion);
  checkHandshake(headers);
}

function requireAccessRule(route: RouteOptions): void {
  if (route.config?.access === undefined) throw new Error(`The route ${route.method} ${route.url} has no access rule.`);
  // A route that declares no query takes none: what it does not know is refused, never ignored.
  if (route.schema?.querystring === undefined) route.schema = { ...route.schema, querystring: noQuery };
  if (route.config.access === "public") route.schema = { ...route.schema, security: [] };
}

/** Calls `then` when the client goes before its answer is complete. */
export function onClientGone(request: FastifyRequest, then: () => void): () => void {
  const { socket } = request.raw;
  const whenClosed = (): void => then();
  if (socket.destroyed) then();
  else socket.once("close", whenClosed);
  return () => socket.removeListener("close", whenClosed);
}
