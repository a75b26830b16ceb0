import { type Address, isLoopback, parseAddress } from "../address.ts";
import { ConfigError } from "./config-error.ts";

/** @throws ConfigError naming `key` for what is no address */
export function readAddress(key: string, text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new ConfigError(`${key}: expected host:port, [v6]:port or unix:/path, with https:// in front for TLS, got ${JSON.stringify(text)}`);
}

export function readMetricsListen(text: string | undefined): Address | undefined {
  const address = text === undefined ? undefined : readAddress("metrics.listen", text);
  if (address?.tls) throw new ConfigError(`metrics.listen: expected host:port or unix:/path, without TLS, got ${JSON.stringify(text)}`);
  return address;
}

/** What is open to other machines needs TLS, here or in a proxy, and says in `auth` who may come. */
export function refuseOpenAddress(key: string, address: Address, hasAuth: boolean, isBehindProxy: boolean): void {
  if (address.kind === "unix" || isLoopback(address.host)) return;
  const missing = [
    ...(address.tls || isBehindProxy ? [] : ["TLS (https:// in front, or behindProxy)"]),
    ...(hasAuth ? [] : ["an auth section"]),
  ];
  if (missing.length === 0) return;
  const message = `${key}: ${address.text} is not a loopback address, which needs ${missing.join(" and ")}; or listen on 127.0.0.1 or [::1]`;
  throw new ConfigError(message);
}
