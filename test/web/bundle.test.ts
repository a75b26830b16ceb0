import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const assets = new URL("../../../public/assets/", import.meta.url);

test("all that the page can load is no more than 500 kB", () => {
  const compressed = readdirSync(assets).filter((name) => name.endsWith(".gz"));
  const sizes = compressed.map((name) => readFileSync(new URL(name, assets)).length);
  const sum = sizes.reduce((all, size) => all + size, 0);
  assert.ok(sizes.length >= 3 && sum <= 500_000, `${sum} bytes in ${sizes.length} files`);
});
