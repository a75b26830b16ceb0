import http from "node:http";
import type { Socket } from "node:net";
import { ExecgateError } from "../errors.ts";
import { answerClientError } from "./client-error.ts";

/** What becomes of a request that asks for an upgrade. */
export interface UpgradeRoutes {
  /** Whether an earlier request of this connection is still being answered. */
  isAnswering(socket: Socket): boolean;
  /** Whether there is no descriptor left for a connection that stays. */
  isShort(): boolean;
  toWebSocket(request: http.IncomingMessage, socket: Socket, head: Buffer): void;
  /** Takes the request as a plain one. */
  answer(request: http.IncomingMessage, response: http.ServerResponse): void;
}

/**
 * Sends an upgrade on its way. Node has let go of the connection by now: nobody but us watches it for errors, and
 * nothing ends it but us.
 */
export function routeUpgrade(request: http.IncomingMessage, socket: Socket, head: Buffer, routes: UpgradeRoutes): void {
  socket.on("error", () => socket.destroy());
  // Who sends an upgrade behind a request that is not answered yet leaves no one to write the answer in order.
  if (routes.isAnswering(socket)) socket.destroy();
  else if (hasBody(request)) answerClientError(new Error("An upgrade cannot carry a body; leave the Upgrade header out."), socket);
  else if (!isWebSocket(request)) routes.answer(request, withoutUpgrade(request, socket));
  else if (routes.isShort())
    answerClientError(new ExecgateError("OVERLOADED", "The gateway has no file descriptors left; try again later."), socket);
  else routes.toWebSocket(request, socket, head);
}

function isWebSocket({ headers }: http.IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** Once an upgrade is asked for, Node reads no body any more: whoever sends one would wait for ever. */
function hasBody({ headers }: http.IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** An upgrade to what the gateway does not speak is left alone: the request is answered as a plain one, and the last one. */
function withoutUpgrade(request: http.IncomingMessage, socket: Socket): http.ServerResponse {
  const response = new http.ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => socket.destroySoon());
  return response;
}
