import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGlob, faultOfGlob } from "../../../src/access/policy/glob.ts";

const matches = (glob: string, name: string) => compileGlob(glob).matches(name);

/** A glob, what it matches, what it does not. */
const examples: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["host", ["host"], ["hosts", "hos", "Host", "", "docker:host"]],
  ["docker:*", ["docker:web", "docker:"], ["docker", "docker:a/b", "xdocker:a", "edge:docker:a"]],
  ["docker:web-?", ["docker:web-1"], ["docker:web-", "docker:web-12", "docker:web-/"]],
  ["kubernetes:prod/*/*", ["kubernetes:prod/pod/app", "kubernetes:prod//"], ["kubernetes:prod/pod", "kubernetes:prod/pod/app/x"]],
  ["kubernetes:prod/**", ["kubernetes:prod/pod", "kubernetes:prod/pod/app"], ["kubernetes:prod", "kubernetes:prod2/pod"]],
  ["kubernetes:**/app", ["kubernetes:a/app", "kubernetes:a/b/app"], ["kubernetes:app", "kubernetes:a/app2"]],
  ["*", ["host", "docker:web"], ["kubernetes:a/b"]],
  ["**", ["host", "kubernetes:a/b/c", ""], []],
  ["a*b*c", ["abc", "axbxbxc"], ["ab", "a/b/c"]],
  ["a.c", ["a.c"], ["abc"]],
  ["a+", ["a+"], ["aa"]],
];

for (const [glob, names, others] of examples) {
  test(`${glob} matches ${names.join(", ")} and not ${others.join(", ")}`, () => {
    for (const name of names) assert.ok(matches(glob, name), name);
    for (const name of others) assert.ok(!matches(glob, name), name);
  });
}

test("what means something in other globs is refused, and what nobody writes on purpose", () => {
  for (const text of ["", "docker:[ab]", "docker:{a,b}", "!host", "a b", "a\\*", "a***", "a\n", "ho\u202est", "^host$", "a|b", "(a)"]) {
    assert.notEqual(faultOfGlob(text), undefined, JSON.stringify(text));
  }
  for (const [glob] of examples) assert.equal(faultOfGlob(glob), undefined);
});

const name = fc.string({ unit: fc.constantFrom("a", "b", "/", ":", "-"), maxLength: 12 });
const glob = fc.array(fc.constantFrom("a", "b", "/", ":", "-", "*", "**", "?"), { maxLength: 8 }).map((parts) => parts.join(""));

test("a glob matches what the regular expression of the same meaning does", () => {
  const expression = (text: string) =>
    new RegExp(`^${text.replaceAll(/\*\*|[*?-]/g, (mark) => ({ "**": ".*", "*": "[^/]*", "?": "[^/]", "-": "\\-" })[mark] ?? "")}$`, "s");
  fc.assert(
    fc.property(glob, name, (text, target) => {
      fc.pre(faultOfGlob(text) === undefined);
      assert.equal(matches(text, target), expression(text).test(target));
    }),
    { numRuns: 3000 },
  );
});

test("a single star never crosses a slash", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", ":", "*", "?"), { maxLength: 8 }), name, (parts, target) => {
      const text = parts.join("").replaceAll(/\*+/g, "*");
      fc.pre(text !== "" && target.includes("/"));
      assert.ok(!matches(text, target));
    }),
  );
});

test("many stars before what does not match take no time", () => {
  const slow = compileGlob(`${"*a".repeat(20)}b`);
  const began = performance.now();
  assert.ok(!slow.matches("a".repeat(2000)));
  assert.ok(performance.now() - began < 10_000, "it would take longer than anybody lives");
});
