/** Credentials among the subprotocols that a client offers: the only header that a page can set on a WebSocket. */

/** As the Kubernetes API server knows it; an unpadded base64url token follows. */
export const bearerPrefix = "base64url.bearer.authorization.k8s.io.";

/** A single-use ticket follows. */
export const ticketPrefix = "ticket.execgate.";

/** The secret of a share follows. */
export const sharePrefix = "share.execgate.";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The subprotocol entry that carries `token`. */
export function encodeBearerSubprotocol(token: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(token));
  return bearerPrefix + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The token in a subprotocol entry, or undefined for an entry that is none or holds none. */
export function bearerFromSubprotocol(entry: string): string | undefined {
  if (!entry.startsWith(bearerPrefix)) return undefined;
  const encoded = entry.slice(bearerPrefix.length);
  if (!/^[A-Za-z0-9_-]+$/.test(encoded) || encoded.length % 4 === 1) return undefined;
  const binary = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  try {
    return utf8.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
