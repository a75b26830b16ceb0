import type { X509Certificate } from "node:crypto";

/**
 * What a request presents to say who it is. It is one of these, chosen by where it stands and never by whether it is good:
 * a credential that fails is not made up for by another one.
 */
export type Credential =
  /** `Authorization: Bearer`, or the bearer subprotocol of a WebSocket: a static token or a JWT. */
  | { readonly scheme: "bearer"; readonly token: string }
  /** A JWT in a header that a trusted proxy sets. */
  | { readonly scheme: "header"; readonly header: string; readonly token: string }
  /** A ticket in the subprotocol of a WebSocket, and the page that presents it. */
  | { readonly scheme: "ticket"; readonly ticket: string; readonly origin: string | undefined }
  /** A share in the subprotocol of a WebSocket. */
  | { readonly scheme: "share"; readonly secret: string }
  | { readonly scheme: "certificate"; readonly certificate: PeerCertificate }
  /** Something stands where a credential does, and is none. */
  | { readonly scheme: "malformed"; readonly message: string };

/** The certificate of a client, and whether TLS found it signed by the configured authority. */
export interface PeerCertificate {
  readonly x509: X509Certificate;
  /** Why it is not trusted; undefined when it is. */
  readonly refusal: string | undefined;
}
