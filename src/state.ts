import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { ConfigError } from "./config/config-error.ts";
import { refuseExposed } from "./config/owner-token.ts";

/** What the gateway makes once and keeps in its state directory: the owner's token and a certificate of its own. */

/** Reads the owner's token, or makes one of 256 bits. @returns the token and the file that holds it */
export async function ownerToken(stateDir: string): Promise<{ token: string; file: string }> {
  const file = join(stateDir, "token");
  const token = await keepOnce(stateDir, file, () => Promise.resolve(`${randomBytes(32).toString("base64url")}\n`));
  refuseExposed(file);
  return { token: token.trim(), file };
}

/** Reads the secret by which the audit trail recognizes commands that it may not show, or makes one of 256 bits. */
export async function auditKey(stateDir: string): Promise<Buffer> {
  const text = await keepOnce(stateDir, join(stateDir, "audit.key"), () => Promise.resolve(`${randomBytes(32).toString("hex")}\n`));
  return Buffer.from(text.trim(), "hex");
}

/** Key and certificate in PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Reads the self-signed certificate, or makes one for this host's names, valid for ten years. */
export async function selfSignedIdentity(stateDir: string): Promise<Identity> {
  // The key's file holds the certificate as well, and decides: of two gateways that start at once, both take the pair that was first.
  const pair = await keepOnce(stateDir, join(stateDir, "tls.key"), async () => {
    const made = await makeIdentity();
    return `${made.key.trim()}\n${made.cert.trim()}\n`;
  });
  const cert = /-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n/s.exec(pair)?.[0];
  if (cert === undefined) throw new ConfigError(`${join(stateDir, "tls.key")}: holds no certificate; remove it, and a new pair is made`);
  // For clients, which are to trust it.
  await writeFile(join(stateDir, "tls.crt"), cert, { mode: 0o644 });
  return { key: pair, cert };
}

async function makeIdentity(): Promise<Identity> {
  const notBefore = new Date();
  const notAfter = new Date(notBefore);
  notAfter.setFullYear(notAfter.getFullYear() + 10);
  const names = [
    { type: 2 as const, value: "localhost" },
    { type: 2 as const, value: hostname() },
    { type: 7 as const, ip: "127.0.0.1" },
    { type: 7 as const, ip: "::1" },
  ];
  // Loaded when it is needed, which is once: it takes 15 MB.
  const { generate } = await import("selfsigned");
  const pems = await generate([{ name: "commonName", value: "execgate" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: names },
    ],
  });
  return { key: pems.private, cert: pems.cert };
}

/** The content of `file`, which is made with mode 0600 when it is not there; whoever makes it first wins, whole. */
async function keepOnce(dir: string, file: string, make: () => Promise<string>): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const kept = await readFile(file, "utf8").catch(absent);
  if (kept !== undefined && kept !== "") return kept;
  const draft = `${file}.${process.pid}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, await make(), { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
  } finally {
    await unlink(draft);
  }
  return await readFile(file, "utf8");
}

function absent(cause: NodeJS.ErrnoException): undefined {
  if (cause.code === "ENOENT") return undefined;
  throw cause;
}
