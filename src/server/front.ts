import { BlockList, isIP, isIPv4, SocketAddress } from "node:net";
import type { FastifyRequest } from "fastify";

/** How a request came in, as far as those in front of the gateway are to be believed. */
export interface Front {
  /** Where it comes from: an address, or `unix` for a client of a unix socket. */
  readonly address: string;
  /** The peer is one of the trusted proxies: what it says in headers counts. */
  readonly isProxied: boolean;
  readonly scheme: "http" | "https";
  /** The host that the client named. */
  readonly host: string;
}

/** Says of a request how it came in. */
export type ReadFront = (request: FastifyRequest) => Front;

/**
 * Takes the word of trusted proxies, and of nobody else.
 * @param trusted CIDR blocks; undefined when no proxy stands in front, and no header is believed
 */
export function createReadFront(trusted: readonly string[] | undefined): ReadFront {
  const networks = blockList(trusted ?? []);
  const isTrusted = (address: string): boolean => {
    if (trusted === undefined) return false;
    // A unix socket has no address: who may connect to it is said by the mode of its file.
    return address === "unix" || networks.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  };
  return ({ raw: { socket }, headers }) => {
    const peer = "isUnixListener" in socket ? "unix" : (plainAddress(socket.remoteAddress ?? "") ?? "unknown");
    const own = { scheme: "encrypted" in socket ? "https" : "http", host: headers.host ?? "" } as const;
    if (!isTrusted(peer)) return { address: peer, isProxied: false, ...own };
    const scheme = lastOf(headers["x-forwarded-proto"]);
    return {
      address: originOf(peer, headers["x-forwarded-for"], isTrusted),
      isProxied: true,
      scheme: scheme === "http" || scheme === "https" ? scheme : own.scheme,
      host: lastOf(headers["x-forwarded-host"]) ?? own.host,
    };
  };
}

/** What counts as one source of failed credentials: an IPv6 network of 64 bits is one customer's. */
export function sourceOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const groups = new SocketAddress({ address, family: "ipv6" }).address.split("::");
  const [head = "", tail] = groups;
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    list.addSubnet(address, bits === undefined ? (family === "ipv4" ? 32 : 128) : Number(bits), family);
  }
  return list;
}

/** From right to left through the hops that are trusted; the first that is not is where the request comes from. */
function originOf(peer: string, header: string | string[] | undefined, isTrusted: (address: string) => boolean): string {
  let address = peer;
  for (const hop of listOf(header).reverse()) {
    const named = plainAddress(hop);
    // What is no address was written by somebody beyond the last hop that can be believed.
    if (named === undefined) return address;
    address = named;
    if (!isTrusted(address)) return address;
  }
  return address;
}

/** An address without port, brackets, zone, or the coat that IPv4 wears on an IPv6 socket; undefined when it is none. */
function plainAddress(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, "").replace(/^::ffff:(?=[\d.]+$)/i, "");
  return isIP(address) === 0 ? undefined : address;
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return listOf(header).at(-1);
}

function listOf(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((line) => line.split(","))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
