/** Bundles the page's script and style sheet into public/assets, each as it is and compressed. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

const root = new URL("../../../", import.meta.url);
const pathOf = (relative: string): string => fileURLToPath(new URL(relative, root));

/** Puts xterm-style.ts in the place of the inline styles of xterm.js, and fails when they are not where they were. */
const strictStyles: Plugin = {
  name: "strict styles",
  setup(setup) {
    setup.onLoad({ filter: /@xterm[\\/]xterm[\\/]lib[\\/]xterm\.mjs$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const elements = replace(source, /([\w.]+)\.createElement\("style"\)/g, "createStyleElement($1)", 3);
      const attributes = replace(elements, /(\w+)\.setAttribute\("style",/g, "setStyle($1,", 1);
      const standIns = JSON.stringify(pathOf("src/web/terminal/xterm-style.ts"));
      return { contents: `import { createStyleElement, setStyle } from ${standIns};\n${attributes}`, loader: "js" };
    });
  },
};

function replace(source: string, pattern: RegExp, replacement: string, times: number): string {
  const found = source.match(pattern)?.length ?? 0;
  if (found !== times) throw new Error(`xterm.js has ${pattern} ${found} times, expected ${times}: look at how it makes styles now`);
  return source.replace(pattern, replacement);
}

// Parts of an earlier bundle have other names.
await rm(pathOf("public/assets"), { recursive: true, force: true });
const result = await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: [
    { in: "src/web/main.ts", out: "main" },
    { in: "src/web/style/style.css", out: "style" },
  ],
  outdir: pathOf("public/assets"),
  bundle: true,
  // What is not needed for the first prompt is loaded when it is.
  splitting: true,
  chunkNames: "[name]-[hash]",
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "eof",
  logLevel: "warning",
  metafile: true,
  plugins: [strictStyles],
});

for (const output of Object.keys(result.metafile.outputs)) {
  const bytes = await readFile(pathOf(output));
  const compressed = gzipSync(bytes, { level: 9 });
  await writeFile(`${pathOf(output)}.gz`, compressed);
  console.log(`${basename(output)}: ${bytes.length} bytes, ${compressed.length} gzipped`);
}
