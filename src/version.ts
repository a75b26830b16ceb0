import { readFileSync } from "node:fs";

/** The root of the installed package, seen from the compiled files. */
export const packageDir = new URL("../../", import.meta.url);

/** The version in package.json. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("package.json", packageDir), "utf8")) as { version: string };
  return version;
}
