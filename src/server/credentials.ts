import type { IncomingHttpHeaders } from "node:http";
import { bearerFromSubprotocol, bearerPrefix, ticketPrefix } from "../wire/index.ts";

/** What a request presents, and the subprotocols it offers beside that. */
export interface Credentials {
  readonly token: string | undefined;
  /** Without the entries that carry a credential: those are never echoed back. */
  readonly subprotocols: readonly string[];
  /** The request offers a credential entry; then another one must be there for an answer. */
  readonly isCredentialOffered: boolean;
}

/** Reads the bearer token of a request from its header, or else from the subprotocols that it offers. */
export function readCredentials(headers: IncomingHttpHeaders): Credentials {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((entry) => entry.trim());
  const isCredential = (entry: string): boolean => entry.startsWith(bearerPrefix) || entry.startsWith(ticketPrefix);
  const subprotocols = offered.filter((entry) => entry !== "" && !isCredential(entry));
  const isCredentialOffered = offered.some(isCredential);
  if (headers.authorization !== undefined) {
    return { token: /^Bearer +(\S+)$/i.exec(headers.authorization)?.[1], subprotocols, isCredentialOffered };
  }
  const bearers = offered.map(bearerFromSubprotocol).filter((token) => token !== undefined);
  return { token: bearers[0], subprotocols, isCredentialOffered };
}
