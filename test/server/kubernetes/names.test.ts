import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { dnsLabel, dnsSubdomain, freeLabel, namePods } from "../../../src/server/kubernetes/names.ts";
import { anyCharacter } from "../../fixtures/any-character.ts";

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const subdomain = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const anyName = fc.oneof(fc.string({ unit: anyCharacter, maxLength: 300 }), fc.stringMatching(/^[A-Za-z0-9_.-]{1,80}$/));

describe("a name made safe", () => {
  test("is a label, or labels with dots between them, whatever it was", () => {
    fc.assert(
      fc.property(anyName, (text) => {
        assert.match(dnsLabel(text), label);
        assert.match(dnsSubdomain(text), subdomain);
      }),
    );
  });

  test("is itself where it is safe already", () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/), (text) => assert.equal(dnsLabel(text), text)));
    assert.equal(dnsSubdomain("web-1.prod"), "web-1.prod");
    assert.equal(dnsSubdomain("Web_1"), "web-1");
  });
});

describe("pods of one namespace", () => {
  const items = fc
    .uniqueArray(fc.tuple(anyName, fc.uuid()), { selector: ([, key]) => key, maxLength: 20 })
    .map((pairs) => pairs.map(([text, key]) => ({ text, key })));

  test("have each a name of its own, and the same ones in whatever order they are listed", () => {
    fc.assert(
      fc.property(items, (all) => {
        const named = namePods(all);
        assert.equal(named.size, all.length);
        for (const name of named.keys()) assert.match(name, subdomain);
        const byName = (map: ReadonlyMap<string, { key: string }>) => [...map].map(([name, { key }]) => `${name} ${key}`).sort();
        assert.deepEqual(byName(namePods([...all].reverse())), byName(named));
      }),
    );
  });

  test("of which several come to the same name leave it to the one that it is letter by letter", () => {
    const named = namePods(["Web_1", "web-1", "WEB-1"].map((text) => ({ text, key: `docker:${text}` })));
    assert.equal(named.get("web-1")?.text, "web-1");
    assert.deepEqual([...named.keys()].filter((name) => /^web-1-[0-9a-f]{8}$/.test(name)).length, 2);
  });

  test("of which several come to the same name, and none is it, have it none", () => {
    const named = namePods(["Web_1", "WEB-1"].map((text) => ({ text, key: `docker:${text}` })));
    assert.equal(named.get("web-1"), undefined);
    assert.equal(named.size, 2);
  });

  test("cannot be taken by somebody who knows the hash", () => {
    const pair = ["Web_1", "WEB-1"].map((text) => ({ text, key: `docker:${text}` }));
    const [first = ""] = namePods(pair).keys();
    const named = namePods([...pair, { text: first, key: "docker:thief" }]);
    assert.equal(named.size, 3);
    assert.equal(named.get(first)?.key, "docker:thief", "it is its own name, letter by letter");
  });
});

test("a name that is taken gives way to the next, and at last to a number", () => {
  assert.equal(freeLabel(["a", "b"], new Set()), "a");
  assert.equal(freeLabel(["a", "b"], new Set(["a"])), "b");
  assert.equal(freeLabel(["a", "b"], new Set(["a", "b", "a-2"])), "a-3");
});
