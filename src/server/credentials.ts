import { TLSSocket } from "node:tls";
import type { FastifyRequest } from "fastify";
import type { Credential } from "../access/credential.ts";
import { bearerFromSubprotocol, bearerPrefix, sharePrefix, ticketPrefix } from "../wire/index.ts";

/** What a request presents, and the subprotocols it offers beside that. */
export interface Presented {
  readonly credential: Credential | undefined;
  /** Without the entries that carry a credential: those are never echoed back. */
  readonly subprotocols: readonly string[];
  /** The request offers a credential entry; then another one must be there for an answer. */
  readonly isCredentialOffered: boolean;
}

/**
 * Reads the credential of a request. A ticket and a share say also what it is for, so that they count before everything that a
 * proxy may add by itself; then it is `Authorization`, else the bearer subprotocol, else a header of a trusted proxy, else TLS.
 * The first that is there is the one that counts.
 * @param proxyHeaders the headers that a trusted proxy sets; none when the request did not come through one
 */
export function readCredentials({ headers, raw }: FastifyRequest, proxyHeaders: readonly string[]): Presented {
  const offered = (headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  const subprotocols = offered.filter((entry) => !isCredential(entry));
  const credential =
    fromTicket(behind(ticketPrefix, offered), headers.origin) ??
    fromShare(behind(sharePrefix, offered)) ??
    fromAuthorization(headers.authorization) ??
    fromBearer(offered.find((entry) => entry.startsWith(bearerPrefix))) ??
    fromProxy(proxyHeaders, headers) ??
    fromTls(raw.socket);
  return { credential, subprotocols, isCredentialOffered: offered.some(isCredential) };
}

function isCredential(entry: string): boolean {
  return [bearerPrefix, ticketPrefix, sharePrefix].some((prefix) => entry.startsWith(prefix));
}

/** What stands behind the prefix of the first subprotocol that has it. */
function behind(prefix: string, offered: readonly string[]): string | undefined {
  return offered.find((entry) => entry.startsWith(prefix))?.slice(prefix.length);
}

function fromTicket(ticket: string | undefined, origin: string | undefined): Credential | undefined {
  return ticket === undefined ? undefined : { scheme: "ticket", ticket, origin };
}

function fromShare(secret: string | undefined): Credential | undefined {
  return secret === undefined ? undefined : { scheme: "share", secret };
}

function fromAuthorization(header: string | undefined): Credential | undefined {
  if (header === undefined) return undefined;
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
  return token === undefined
    ? { scheme: "malformed", message: "Authorization is not of the form: Bearer TOKEN." }
    : { scheme: "bearer", token };
}

function fromBearer(entry: string | undefined): Credential | undefined {
  if (entry === undefined) return undefined;
  const token = bearerFromSubprotocol(entry);
  return token === undefined
    ? { scheme: "malformed", message: `The token behind ${bearerPrefix} is not unpadded base64url.` }
    : { scheme: "bearer", token };
}

function fromProxy(names: readonly string[], headers: FastifyRequest["headers"]): Credential | undefined {
  const header = names.find((name) => headers[name] !== undefined);
  if (header === undefined) return undefined;
  const token = headers[header];
  // Node joins what is sent twice: whoever adds a token to the proxy's own must not choose which one counts.
  return typeof token === "string" && !token.includes(",")
    ? { scheme: "header", header, token }
    : { scheme: "malformed", message: `${header} was sent more than once.` };
}

function fromTls(socket: FastifyRequest["raw"]["socket"]): Credential | undefined {
  const x509 = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (x509 === undefined || !(socket instanceof TLSSocket)) return undefined;
  const refusal = socket.authorized ? undefined : String(socket.authorizationError ?? "not signed by the client authority");
  return { scheme: "certificate", certificate: { x509, refusal } };
}
