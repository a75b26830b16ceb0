import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";

/** What the gateway makes once and keeps in its state directory: the owner's token and a certificate of its own. */

/** Reads the owner's token, or makes one of 256 bits. @returns the token and the file that holds it */
export async function ownerToken(stateDir: string): Promise<{ token: string; file: string }> {
  const file = join(stateDir, "token");
  const token = await keepOnce(stateDir, file, () => Promise.resolve(`${randomBytes(32).toString("base64url")}\n`));
  return { token: token.trim(), file };
}

/** Key and certificate in PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Reads the self-signed certificate, or makes one for this host's names, valid for ten years. */
export async function selfSignedIdentity(stateDir: string): Promise<Identity> {
  const keyFile = join(stateDir, "tls.key");
  const certFile = join(stateDir, "tls.crt");
  // The key's file is the one that decides: of two gateways that start at once, both take the pair that was first.
  const key = await keepOnce(stateDir, keyFile, async () => {
    const made = await makeIdentity();
    await writeFile(certFile, made.cert, { mode: 0o644 });
    return made.key;
  });
  return { key, cert: await readFile(certFile, "utf8") };
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
