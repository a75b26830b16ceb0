import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { packageDir } from "../src/version.ts";

const root = fileURLToPath(packageDir);
/** A file much longer than this holds more than one idea. */
const linesMax = 320;

const files = ["src", "test"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ name: join(folder, name), text: readFileSync(join(root, folder, name), "utf8") })),
);

describe("the tree", () => {
  it("has files of one idea each", () => {
    const long = files.filter(({ name, text }) => name.startsWith("src/") && text.split("\n").length > linesMax);
    assert.deepEqual(
      long.map(({ name }) => name),
      [],
    );
  });

  it("lets the wire see types of the core only", () => {
    const imports = files
      .filter(({ name }) => name.startsWith("src/wire/"))
      .flatMap(({ text }) => [...text.matchAll(/^import (?!type\b).*\/exec\/.*$/gm)].map(([line]) => line));
    assert.deepEqual(imports, []);
  });

  it("lets no runtime see another", () => {
    const runtimes = files.flatMap(({ name }) => /^src\/runtimes\/([^/]+)\/index\.ts$/.exec(name)?.[1] ?? []);
    const seen = runtimes.flatMap((runtime) => {
      const others = new RegExp(`from "\\.\\./(?:${runtimes.filter((other) => other !== runtime).join("|")})/`);
      return files.filter(({ name, text }) => name.startsWith(`src/runtimes/${runtime}/`) && others.test(text)).map(({ name }) => name);
    });
    assert.ok(runtimes.length > 1);
    assert.deepEqual(seen, []);
  });

  it("reads the environment in one place and hands it on", () => {
    const readers = files.filter(({ name, text }) => name.startsWith("src/") && /\bprocess\.env\b/.test(text)).map(({ name }) => name);
    assert.deepEqual(readers, ["src/serve.ts"]);
  });

  it("loads typebox as the one module that the build makes of it", () => {
    const importers = files.filter(({ name, text }) => name.startsWith("src/") && /from "typebox[/"]/.test(text)).map(({ name }) => name);
    assert.deepEqual(importers, ["src/typebox.ts"]);
    assert.doesNotMatch(readFileSync(join(root, "dist/src/typebox.js"), "utf8"), /from "typebox[/"]/);
  });

  it("names in every test what is tested, and skips nothing for good", () => {
    const weak = files.filter(({ name, text }) => name.endsWith(".test.ts") && /\b(?:it|test|describe)\.(?:only|todo)\b/.test(text));
    assert.deepEqual(
      weak.map(({ name }) => name),
      [],
    );
  });
});
