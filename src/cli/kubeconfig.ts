import { randomBytes } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ClientError } from "./client-error.ts";
import { type Endpoint, endpointOptions, findEndpoint, readState, readText } from "./endpoint.ts";
import type { ClientIo } from "./io.ts";

/** kubectl sends no token over plain http, so that it is the other listener of a gateway without a configuration. */
const defaultServer = "https://127.0.0.1:8443";

const options = {
  ...endpointOptions,
  output: { type: "string", short: "o" },
  "client-certificate": { type: "string" },
  "client-key": { type: "string" },
} as const;

/**
 * `execgate kubeconfig [-o FILE]`: what kubectl has to know of a gateway, with certificates and the token in it.
 * @throws ClientError
 */
export async function kubeconfig(args: readonly string[], io: ClientIo): Promise<number> {
  const { output, "client-certificate": certificate, "client-key": key, ...flags } = readFlags(args);
  const endpoint = findEndpoint(flags, io.env, defaultServer);
  if (endpoint.url.protocol !== "https:") {
    throw new ClientError(`kubectl sends no token over plain http: name an https listener by --server, such as ${defaultServer}`);
  }
  // The gateway's own certificate is meant for clients of its machine; elsewhere that of another gateway may stand there.
  const ca = endpoint.ca ?? (isLoopback(endpoint.url) ? readState("tls.crt", io.env) : undefined);
  const text = render({ ...endpoint, ca }, userOf(endpoint, certificate, key));
  if (output === undefined) io.stdout.write(text);
  else writeSecret(output, text);
  return 0;
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (cause) {
    throw new ClientError(cause instanceof Error ? (cause.message.split(/\.\s/)[0] ?? "") : String(cause), { cause });
  }
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** What is presented: a certificate where one is given, else the token. */
function userOf({ token }: Endpoint, certificate: string | undefined, key: string | undefined): Readonly<Record<string, string>> {
  if ((certificate === undefined) !== (key === undefined)) throw new ClientError("--client-certificate and --client-key go together");
  if (certificate !== undefined && key !== undefined) {
    return {
      "client-certificate-data": toBase64(readText("--client-certificate", certificate)),
      "client-key-data": toBase64(readText("--client-key", key)),
    };
  }
  if (token !== undefined) return { token };
  throw new ClientError("there is no token: give --token-file or EXECGATE_TOKEN, or --client-certificate and --client-key");
}

/** YAML whose texts are quoted as in JSON, which every reader of YAML takes. */
function render({ url, ca }: Endpoint, user: Readonly<Record<string, string>>): string {
  const cluster = { server: url.href.replace(/\/$/, ""), ...(ca !== undefined && { "certificate-authority-data": toBase64(ca) }) };
  const lines = (fields: Readonly<Record<string, string>>): string[] =>
    Object.entries(fields).map(([name, value]) => `      ${name}: ${JSON.stringify(value)}`);
  return [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "  - name: execgate",
    "    cluster:",
    ...lines(cluster),
    "users:",
    "  - name: execgate",
    "    user:",
    ...lines(user),
    "contexts:",
    "  - name: execgate",
    "    context: { cluster: execgate, user: execgate }",
    "current-context: execgate",
    "",
  ].join("\n");
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Puts the text in place of what the file was, whoever could read that. */
function writeSecret(file: string, text: string): void {
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    renameSync(draft, file);
  } catch (cause) {
    throw new ClientError(`-o: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
