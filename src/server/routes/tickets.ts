import type { FastifyRequest } from "fastify";
import { ExecgateError } from "../../errors.ts";
import { answers, ticketAnswer } from "../answers.ts";
import { callerOf } from "../caller.ts";
import type { App, RouteDeps } from "../deps.ts";
import { requestFromTicket } from "../exec-request.ts";
import { inputBytes } from "../input-bytes.ts";
import { chooseReason } from "../reason.ts";
import { type TicketAttach, type TicketExec, ticketBody } from "../schemas.ts";
import type { TicketPurpose } from "../ticket-purpose.ts";
import { findAttachable } from "./exec-socket.ts";

/**
 * `POST /v1/tickets`: leave for one WebSocket. A page cannot set headers on a WebSocket nor read why one was refused: it
 * asks here first, is told here, and presents what it got as a subprotocol.
 */
export function ticketsRoute(app: App, deps: RouteDeps): void {
  app.post(
    "/v1/tickets",
    {
      schema: { summary: "A single-use credential for one WebSocket", body: ticketBody, response: answers({ 201: ticketAnswer }) },
      config: { access: "authenticated" },
    },
    async (request, reply) => {
      const { exec, attach } = request.body;
      const purpose = exec === undefined ? attachPurpose(attach, request, deps) : await execPurpose(exec, request, deps);
      const { principal, headers } = request;
      const bytes = Buffer.byteLength(JSON.stringify(request.body));
      const { secret, expiresAt } = deps.tickets.issue({ principal, origin: headers.origin, purpose }, bytes);
      deps.audit.ticketIssued(request, purpose.path, purpose.kind === "exec" ? purpose.wanted.request : undefined);
      return reply.code(201).send({ ticket: secret, expiresAt: new Date(expiresAt).toISOString() });
    },
  );
}

async function execPurpose(exec: TicketExec, request: FastifyRequest, deps: RouteDeps): Promise<TicketPurpose> {
  const { stdin, stdinEncoding, flow } = exec;
  const bytes = typeof stdin === "string" ? inputBytes(stdin, stdinEncoding, "exec.stdin") : undefined;
  const wanted = await requestFromTicket(exec, request, deps);
  // The page is told now what the WebSocket could not tell it.
  deps.sessions.checkRoom(wanted.request, wanted.permit);
  return { kind: "exec", path: "/v1/exec", wanted, stdin: bytes, flow };
}

function attachPurpose(attach: TicketAttach | undefined, request: FastifyRequest, deps: RouteDeps): TicketPurpose {
  if (attach === undefined) throw new ExecgateError("BAD_REQUEST", "The body names neither exec nor attach.");
  const { session: id, offset, ...rest } = attach;
  const query = { ...rest, ...(offset !== undefined && { offset: String(offset) }) };
  const reason = chooseReason(attach.reason, request.reason);
  const session = findAttachable(id, query, { ...callerOf(request), reason }, deps);
  return { kind: "attach", path: `/v1/sessions/${session.id}/attach`, query };
}
