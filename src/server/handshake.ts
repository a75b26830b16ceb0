import type { IncomingHttpHeaders } from "node:http";
import { ExecgateError } from "../errors.ts";

/** The one version of WebSocket that there is (RFC 6455). */
export const webSocketVersion = "13";
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const tokens = new RegExp(`^${token}(?:[ \\t]*,[ \\t]*${token})*$`);

/**
 * Refuses a handshake that is not well formed, before anything is taken in for it and in the form of every other refusal.
 * @throws BAD_REQUEST naming the header
 */
export function checkHandshake(headers: IncomingHttpHeaders): void {
  if (headers["sec-websocket-version"] !== webSocketVersion) refuse("Sec-WebSocket-Version", `must be ${webSocketVersion}`);
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "")) refuse("Sec-WebSocket-Key", "must be 16 bytes as base64");
  const offered = headers["sec-websocket-protocol"];
  if (offered === undefined) return;
  if (!tokens.test(offered)) refuse("Sec-WebSocket-Protocol", "must be a list of subprotocols");
  const names = offered.split(",").map((name) => name.trim());
  if (new Set(names).size < names.length) refuse("Sec-WebSocket-Protocol", "offers a subprotocol twice");
}

function refuse(field: string, what: string): never {
  throw new ExecgateError("BAD_REQUEST", `${field} ${what}.`, { field });
}
