import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config.ts";
import type { TlsFiles } from "./server/listen.ts";
import { selfSignedIdentity } from "./state.ts";

type TlsConfig = Pick<Config, "tls" | "stateDir">;

/**
 * The key, the certificate and the authority for clients: those of the configuration, or a pair that was made once.
 * @throws ConfigError for a file that cannot be read, and for a pair that is none
 */
export async function readTls({ tls, stateDir }: TlsConfig): Promise<TlsFiles> {
  if (tls === undefined) return { ...(await selfSignedIdentity(stateDir)), clientCa: undefined };
  const [cert, key, clientCa] = await Promise.all([read(tls.certFile), read(tls.keyFile), tls.clientCaFile && read(tls.clientCaFile)]);
  checkPair(cert, key, tls);
  if (clientCa !== undefined) parseCertificate(clientCa, `tls.clientCaFile: ${tls.clientCaFile}`);
  return { cert, key, clientCa };
}

/** The files that are read again when they change. */
export function tlsPaths({ tls }: TlsConfig): readonly string[] {
  return tls === undefined ? [] : [tls.certFile, tls.keyFile, ...(tls.clientCaFile === undefined ? [] : [tls.clientCaFile])];
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`tls: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function checkPair(cert: string, key: string, { certFile, keyFile }: NonNullable<Config["tls"]>): void {
  const certificate = parseCertificate(cert, `tls.certFile: ${certFile}`);
  let isPair: boolean;
  try {
    isPair = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    // What OpenSSL says of a key that is none could repeat some of it.
    throw new ConfigError(`tls.keyFile: ${keyFile}: expected a private key in PEM, without a passphrase`);
  }
  if (!isPair) throw new ConfigError(`tls: ${keyFile} is not the key of the certificate in ${certFile}`);
}

function parseCertificate(pem: string, where: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new ConfigError(`${where}: expected a certificate in PEM`);
  }
}
