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

/** What is open to other machines needs TLS and a configured identity; this gateway's only identity is the owner's token. */
export function refuseOpenAddress(key: string, address: Address): void {
  if (address.kind === "unix" || isLoopback(address.host)) return;
  const message = `${key}: ${address.text} is not a loopback address, which needs TLS and an auth section; listen on 127.0.0.1 or [::1]`;
  throw new ConfigError(message);
}
