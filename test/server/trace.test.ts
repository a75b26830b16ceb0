import assert from "node:assert/strict";
import { test } from "node:test";
import { readTrace } from "../../src/server/trace.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";

test("a well-formed traceparent is taken, of a later version what it promises to begin with", () => {
  for (const flags of ["00", "01", "ff"]) assert.equal(readTrace(`00-${trace}-${span}-${flags}`), `00-${trace}-${span}-${flags}`);
  assert.equal(readTrace(`cc-${trace}-${span}-01-what-the-future-holds`), `cc-${trace}-${span}-01`);
});

test("every other is passed over", () => {
  const zero = "0".repeat(32);
  for (const header of [
    undefined,
    "",
    [`00-${trace}-${span}-01`],
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${zero}-${span}-01`,
    `00-${trace}-${zero.slice(16)}-01`,
    `ff-${trace}-${span}-01`,
    `00-${trace}-${span}-01-more`,
    `00-${trace}-${span}-0`,
    `00-${trace}-${span}-01, 00-${trace}-${span}-01`,
    ` 00-${trace}-${span}-01`,
    `00-${trace.slice(1)}-${span}-01`,
  ]) {
    assert.equal(readTrace(header), undefined, String(header));
  }
});
