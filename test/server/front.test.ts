import assert from "node:assert/strict";
import { test } from "node:test";
import type { FastifyRequest } from "fastify";
import { createReadFront, sourceOf } from "../../src/server/front.ts";

/** How a request came in, by its peer and its headers. */
function frontOf(
  trusted: readonly string[] | undefined,
  remoteAddress: string | "unix",
  headers: Record<string, string> = {},
  isTls = false,
) {
  const socket = { ...(remoteAddress === "unix" ? { isUnixListener: true } : { remoteAddress }), ...(isTls && { encrypted: true }) };
  const request = { raw: { socket }, headers: { host: "10.0.0.1:8080", ...headers } };
  return createReadFront(trusted)(request as unknown as FastifyRequest);
}
const addressOf = (trusted: readonly string[] | undefined, peer: string, forwarded: string) =>
  frontOf(trusted, peer, { "x-forwarded-for": forwarded }).address;

const proxies = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"];

test("nobody's word is taken when no proxy is said to be there", () => {
  const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", "x-forwarded-host": "exec.example.com" };
  const own = { address: "10.0.0.1", isProxied: false, scheme: "http", host: "10.0.0.1:8080" };
  assert.deepEqual(frontOf(undefined, "10.0.0.1", headers), own);
  assert.deepEqual(frontOf(undefined, "10.0.0.1", headers, true), { ...own, scheme: "https" });
  assert.equal(frontOf(undefined, "unix", headers).address, "unix");
});

test("a peer that is no trusted proxy is not listened to", () => {
  for (const peer of ["11.0.0.1", "192.0.2.2", "fe80::1", "::1", "127.0.0.1"]) {
    const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", "x-forwarded-host": "exec.example.com" };
    assert.deepEqual(frontOf(proxies, peer, headers), { address: peer, isProxied: false, scheme: "http", host: "10.0.0.1:8080" });
  }
});

test("the source is the first hop from the right that is not trusted", () => {
  assert.equal(addressOf(proxies, "10.0.0.1", "1.2.3.4"), "1.2.3.4");
  assert.equal(addressOf(proxies, "10.0.0.1", "6.6.6.6, 1.2.3.4"), "1.2.3.4", "what the client wrote itself stands to the left");
  assert.equal(addressOf(proxies, "10.0.0.1", "6.6.6.6, 1.2.3.4, 192.0.2.1, fd00::7"), "1.2.3.4");
  assert.equal(addressOf(proxies, "10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3", "all of them are trusted");
  assert.equal(addressOf(proxies, "10.0.0.1", ""), "10.0.0.1");
  assert.equal(addressOf(proxies, "10.0.0.1", "6.6.6.6, nonsense, 10.0.0.2"), "10.0.0.2", "nothing to the left of nonsense is believed");
  assert.equal(addressOf(proxies, "unix", "1.2.3.4"), "1.2.3.4", "who may connect to a unix socket is said by its mode");
});

test("addresses are the same in every way that they are written", () => {
  assert.equal(addressOf(proxies, "::ffff:10.0.0.1", "1.2.3.4:5678"), "1.2.3.4");
  assert.equal(addressOf(proxies, "10.0.0.1", "[2001:db8::1]:443"), "2001:db8::1");
  assert.equal(addressOf(proxies, "10.0.0.1", "[2001:db8::1]"), "2001:db8::1");
  assert.equal(addressOf(proxies, "10.0.0.1", "::ffff:1.2.3.4"), "1.2.3.4");
});

test("scheme and host are what the nearest proxy says, when it says something", () => {
  const said = frontOf(proxies, "10.0.0.1", { "x-forwarded-proto": "http, https", "x-forwarded-host": "evil.example, exec.example.com" });
  assert.deepEqual([said.scheme, said.host, said.isProxied], ["https", "exec.example.com", true]);
  const silent = frontOf(proxies, "10.0.0.1", { "x-forwarded-proto": "wss" });
  assert.deepEqual([silent.scheme, silent.host], ["http", "10.0.0.1:8080"]);
});

test("an IPv6 network of 64 bits is one source", () => {
  assert.equal(sourceOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(sourceOf("2001:db8:1:2::1"), "2001:db8:1:2::/64");
  assert.equal(sourceOf("2001:DB8:0001:2:ffff::"), "2001:db8:1:2::/64");
  assert.equal(sourceOf("2001:db8::1"), "2001:db8:0:0::/64");
  assert.equal(sourceOf("::1"), "0:0:0:0::/64");
  assert.equal(sourceOf("1.2.3.4"), "1.2.3.4");
  assert.equal(sourceOf("unix"), "unix");
});
