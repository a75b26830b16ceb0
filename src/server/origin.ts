import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import type { Credential } from "../access/credential.ts";
import { ExecgateError } from "../errors.ts";
import type { Front } from "./front.ts";

/** By which names the gateway goes, and which pages may speak to it. */
export interface OriginRules {
  /** Host names beside localhost and IP addresses, lower-case. */
  readonly names: ReadonlySet<string>;
  /** The origins of `publicUrls`. */
  readonly ownOrigins: ReadonlySet<string>;
  /** Origins of other pages that may call, and get CORS answers. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly publicUrls: readonly URL[];
}

export function createOriginRules(
  publicUrls: readonly string[],
  listenerHosts: readonly string[],
  allowedOrigins: readonly string[],
): OriginRules {
  const urls = publicUrls.map((text) => new URL(text));
  return {
    names: new Set([...urls.map((url) => url.hostname), ...listenerHosts].map((name) => name.toLowerCase())),
    ownOrigins: new Set(urls.map((url) => url.origin)),
    allowedOrigins: new Set(allowedOrigins),
    publicUrls: urls,
  };
}

/**
 * Refuses a Host that is none of ours: a page that made its own name point here (DNS rebinding) needs a name.
 * @throws UNKNOWN_HOST
 */
export function checkHost(request: FastifyRequest, front: Front, rules: OriginRules): void {
  if ("isUnixListener" in request.raw.socket) return;
  // Where the request line names a host, it is the one that was meant (RFC 9112, 3.2.2).
  const named = /^https?:\/\/([^/?]*)/i.exec(request.raw.url ?? "")?.[1];
  // A page can put what it likes into the header that names the host to a proxy, but not into Host: all must be ours.
  for (const host of new Set([request.headers.host ?? "", front.host, named ?? front.host])) {
    if (isOurs(host, rules)) continue;
    const message = `The gateway does not go by the name ${JSON.stringify(host)}; reach it by address, as localhost, or list the name in publicUrls.`;
    throw new ExecgateError("UNKNOWN_HOST", message);
  }
}

function isOurs(host: string, { names }: OriginRules): boolean {
  const name = /^(\[[0-9a-fA-F:.]+\]|[^:@/\s]+)(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase();
  return name !== undefined && (name === "localhost" || isIP(name.replace(/^\[|\]$/g, "")) !== 0 || names.has(name));
}

/**
 * Refuses what a page of another site makes a browser ask without saying its origin, such as a picture, when the browser
 * adds the credential by itself: a client certificate, or that of a proxy which signed the user in.
 * @throws FORBIDDEN
 */
export function checkSite({ headers }: FastifyRequest, credential: Credential | undefined): void {
  const isAmbient = credential?.scheme === "certificate" || credential?.scheme === "header";
  if (!isAmbient || headers.origin !== undefined || !/^(cross|same)-site$/.test(String(headers["sec-fetch-site"]))) return;
  throw new ExecgateError("FORBIDDEN", "A page of another site may not ask this with the credential of your browser.");
}

/**
 * Refuses a page of another origin: what a browser sends must be, letter for letter, this very request's own origin.
 * @returns the origin when it is one of `allowedOrigins`, which is to get CORS answers
 * @throws FORBIDDEN
 */
export function checkOrigin(request: FastifyRequest, front: Front, rules: OriginRules): string | undefined {
  const { origin } = request.headers;
  if (origin === undefined) return undefined;
  if (rules.allowedOrigins.has(origin)) return origin;
  if (origin === `${front.scheme}://${front.host}` || rules.ownOrigins.has(origin)) return undefined;
  throw new ExecgateError(
    "FORBIDDEN",
    `Pages of ${JSON.stringify(origin)} may not call this gateway; list it in allowedOrigins if they should.`,
  );
}
