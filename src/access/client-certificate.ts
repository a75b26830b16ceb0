import { X509Certificate } from "node:crypto";
import { ExecgateError } from "../errors.ts";
import type { PeerCertificate } from "./credential.ts";
import type { Principal } from "./principal.ts";
import { ownerName } from "./static-tokens.ts";

/** The kinds of names in a certificate that can name a user, the first that is there counts. */
const kinds = ["email", "URI", "DNS"] as const;

/**
 * Who a client certificate stands for: `user:` and the first email, else the first URI, else the first DNS name of its
 * subject alternative names. The common name is not read, and groups are none.
 * @throws UNAUTHENTICATED
 */
export function certificatePrincipal({ x509, refusal }: PeerCertificate, authorities: Authorities, nowMs: number): Principal {
  if (refusal !== undefined) throw unacceptable(`is not trusted: ${refusal}`);
  if (!isTrusted(x509, authorities)) throw unacceptable("is not signed by the client authority any more");
  const expiresAt = Date.parse(x509.validTo);
  // A connection may be older than the end of the certificate that it was opened with.
  if (!(expiresAt > nowMs)) throw unacceptable("has expired");
  const names = alternativeNames(x509);
  const name = kinds.map((kind) => names.find((entry) => entry.kind === kind)?.value).find((value) => value !== undefined);
  if (name === undefined || !/^[\x21-\x7e]{1,256}$/.test(name)) throw unacceptable("has no email, URI or DNS name that could name a user");
  if (name === ownerName) throw unacceptable(`calls its user ${ownerName}, which is the gateway's own name`);
  const fingerprint = x509.fingerprint256.replaceAll(":", "").toLowerCase();
  return Object.freeze({ subject: `user:${name}`, groups: [], credential: `mtls:${fingerprint}`, expiresAt });
}

/** The certificates that sign those of clients. */
export type Authorities = readonly X509Certificate[];

export function readAuthorities(pem: string): Authorities {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** The longest chain from a client to an authority that is followed. */
const chainLengthMax = 10;

/** Whether an authority signed the certificate, or one that it is signed by in turn. */
export function isTrusted(x509: X509Certificate, authorities: Authorities): boolean {
  let link: X509Certificate | undefined = x509;
  for (let i = 0; i < chainLengthMax && link !== undefined; i++) {
    const signed = link;
    if (authorities.some((authority) => signed.checkIssued(authority) && signed.verify(authority.publicKey))) return true;
    link = link.issuerCertificate;
  }
  return false;
}

function unacceptable(why: string): ExecgateError {
  return new ExecgateError("UNAUTHENTICATED", `The client certificate ${why}.`);
}

/** Reads `email:a@b, URI:"quoted, with escapes"`, as Node writes the names so that none can pose as two. */
function alternativeNames({ subjectAltName = "" }: X509Certificate): { kind: string; value: string }[] {
  const entries = subjectAltName.matchAll(/(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?=, |$)/g);
  return [...entries].map(([, kind = "", quoted, plain = ""]) => ({ kind, value: quoted === undefined ? plain : unquote(quoted) }));
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return "";
  }
}
