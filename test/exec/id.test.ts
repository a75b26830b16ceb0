import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createId, isId } from "../../src/exec/id.ts";

/** The largest time that 48 bits hold. */
const timeMax = 2 ** 48 - 1;
const time = fc.nat(timeMax);

test("an id has the form of a ULID, whatever the time", () => {
  fc.assert(fc.property(time, (now) => assert.ok(isId(createId(now)))));
});

test("ids sort by their time", () => {
  fc.assert(
    fc.property(time, time, (one, other) => {
      if (one < other) assert.ok(createId(one) < createId(other));
    }),
  );
});

test("the time of the ULID's own example is written as there", () => {
  assert.equal(createId(1469918176385).slice(0, 10), "01ARYZ6S41");
  assert.equal(createId(0).slice(0, 10), "0000000000");
  assert.equal(createId(timeMax).slice(0, 10), "7ZZZZZZZZZ");
});

test("ten thousand ids of one moment are all different, and use every digit at every place", () => {
  const ids = Array.from({ length: 10_000 }, () => createId(0));
  assert.equal(new Set(ids).size, ids.length);
  for (let place = 10; place < 26; place++) assert.equal(new Set(ids.map((id) => id[place])).size, 32);
});

test("other texts are no ids", () => {
  const id = createId(Date.UTC(2026, 0, 1));
  const others = ["", id.slice(1), `${id}0`, id.toLowerCase(), `8${id.slice(1)}`, `${id}\n`, `../${id.slice(3)}`];
  for (const letter of ["I", "L", "O", "U"]) others.push(letter + id.slice(1), id.slice(0, 25) + letter);
  for (const other of others) assert.equal(isId(other), false, other);
});
