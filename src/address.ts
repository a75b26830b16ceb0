import { isIP, isIPv4 } from "node:net";

/** Where a listener stands. */
export type Address =
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      readonly tls: boolean;
      readonly text: string;
      readonly isOptional?: boolean;
    }
  | { readonly kind: "unix"; readonly path: string; readonly tls: boolean; readonly text: string };

/** With nothing configured: http, and https for clients that insist on it, whose port may be taken. */
export const defaultAddresses: readonly Address[] = [
  { kind: "tcp", host: "127.0.0.1", port: 8080, tls: false, text: "127.0.0.1:8080" },
  { kind: "tcp", host: "127.0.0.1", port: 8443, tls: true, text: "https://127.0.0.1:8443", isOptional: true },
];

/** Reads `host:port`, `[v6]:port` or `unix:/path`, with `https://` in front for TLS; undefined when it is none of them. */
export function parseAddress(text: string): Address | undefined {
  const tls = text.startsWith("https://");
  const rest = text.replace(/^https?:\/\//, "");
  if (rest.startsWith("unix:/")) return { kind: "unix", path: rest.slice("unix:".length), tls, text };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(rest);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6)) return undefined;
  return { kind: "tcp", host, port, tls, text };
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
