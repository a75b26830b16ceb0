import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Revisions } from "../../../src/server/kubernetes/revisions.ts";

interface Item {
  readonly key: string;
  readonly state: string;
}

const everything = () => true;
const mapOf = (items: readonly Item[]) => new Map(items.map((item) => [item.key, item]));
const create = () => new Revisions<Item>(1000, ({ state }) => state);
const note = (revisions: Revisions<Item>, items: readonly Item[], isCovered = everything) =>
  revisions.note(mapOf(items), isCovered, revisions.current);

describe("revisions", () => {
  test("whoever follows them from any revision has what is there", () => {
    const look = fc.uniqueArray(fc.record({ key: fc.constantFrom("a", "b", "c", "d"), state: fc.constantFrom("x", "y") }), {
      selector: ({ key }) => key,
    });
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 12 }), fc.nat(), (looks, at) => {
        const revisions = create();
        const before = at % looks.length;
        let [known, from] = [new Map<string, string>(), revisions.current];
        looks.forEach((items, index) => {
          note(revisions, items);
          if (index === before) [known, from] = [new Map(items.map(({ key, state }) => [key, state])), revisions.current];
        });
        for (const { type, item } of revisions.since(from) ?? assert.fail()) {
          assert.ok(type !== "MODIFIED" || known.has(item.key));
          if (type === "DELETED") known.delete(item.key);
          else known.set(item.key, item.state);
        }
        const last = looks.at(-1) ?? [];
        assert.deepEqual([...known].sort(), last.map(({ key, state }) => [key, state]).sort());
      }),
    );
  });

  test("what is as it was has no new one", () => {
    const revisions = create();
    note(revisions, [{ key: "a", state: "x" }]);
    const { current } = revisions;
    note(revisions, [{ key: "a", state: "x" }]);
    assert.equal(revisions.current, current);
    assert.deepEqual(revisions.since(current), []);
  });

  test("what was not looked for is not gone", () => {
    const revisions = create();
    note(revisions, [{ key: "a", state: "x" }]);
    const { current } = revisions;
    note(revisions, [], () => false);
    assert.deepEqual(revisions.since(current), []);
  });

  test("one that was never given, by an earlier run or not at all, is refused", () => {
    const revisions = create();
    note(revisions, [{ key: "a", state: "x" }]);
    assert.equal(revisions.since(5), undefined);
    assert.equal(revisions.since(revisions.current + 1), undefined);
    assert.equal(revisions.since(Number.NaN), undefined);
    assert.ok(new Revisions<Item>(1001, ({ state }) => state).current > revisions.current, "a later start begins higher");
  });

  test("what is gone is forgotten when there is too much of it, and it is said so", () => {
    const revisions = create();
    const { current } = revisions;
    for (let index = 0; index < 1100; index++) {
      note(revisions, [{ key: String(index), state: "x" }]);
    }
    assert.equal(revisions.since(current), undefined);
    assert.ok(revisions.since(revisions.current - 10) !== undefined);
  });
});
