import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { signals } from "../../src/exec/runtime.ts";
import { bearerFromSubprotocol, bearerPrefix, encodeBearerSubprotocol, selectSubprotocol, subprotocols } from "../../src/wire/index.ts";
import { isSignal } from "../../src/wire/signal-names.ts";

test("the client's first known subprotocol is taken", () => {
  assert.equal(selectSubprotocol(["v5.channel.k8s.io", "v4.channel.k8s.io"]), "v5.channel.k8s.io");
  assert.equal(selectSubprotocol(["v6.channel.k8s.io", "v4.channel.k8s.io", "v1.execgate"]), "v4.channel.k8s.io");
  assert.equal(selectSubprotocol([`${bearerPrefix}YQ`, "v1.execgate"]), "v1.execgate");
});

test("nothing is taken where nothing is known", () => {
  for (const offered of [[], ["toString"], ["__proto__"], ["channel.k8s.io"], ["V1.EXECGATE"]])
    assert.equal(selectSubprotocol(offered), undefined);
});

test("every subprotocol has a codec", () => {
  const options = { tty: false, stdin: true, stdout: true, stderr: true };
  for (const create of Object.values(subprotocols)) assert.equal(typeof create(options).decode, "function");
});

test("a bearer token survives its way through a subprotocol entry, and the entry is a token of HTTP", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (token) => {
      const entry = encodeBearerSubprotocol(token);
      assert.match(entry, /^[A-Za-z0-9._-]+$/);
      assert.equal(bearerFromSubprotocol(entry), token);
    }),
  );
});

test("an entry that holds no well-formed token gives none", () => {
  for (const rest of ["", "a", "YQ==", "Y+", "Y/", "YQ YQ", "_w", "é"])
    assert.equal(bearerFromSubprotocol(bearerPrefix + rest), undefined, rest);
  for (const entry of ["v1.execgate", "YQ", bearerPrefix.toUpperCase()]) assert.equal(bearerFromSubprotocol(entry), undefined);
});

test("the signals that can be said on the wire are those of the core", () => {
  assert.ok(signals.every(isSignal));
  assert.ok(!isSignal("SIGNOPE") && !isSignal("toString") && !isSignal(2));
});
