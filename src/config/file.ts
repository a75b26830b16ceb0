import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { ConfigError } from "./config-error.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });
const ownNames: readonly string[] = ["__proto__", "constructor", "prototype"];

/** The configuration file that was read. */
export interface ReadFile {
  readonly path: string;
  /** Of its bytes, in hexadecimal: says afterwards which version it was. */
  readonly sha256: string;
  /** There is nothing in it, or comments only. */
  readonly isEmpty: boolean;
}

/**
 * Reads a file of YAML; the value of one with nothing in it is a mapping with no keys.
 * @throws ConfigError for what cannot be read, and for what is no YAML in UTF-8
 */
export function readYaml(path: string): { readonly file: ReadFile; readonly value: unknown } {
  try {
    const bytes = readFileSync(path);
    const value: unknown = parse(utf8.decode(bytes), { uniqueKeys: true, strict: true }) ?? undefined;
    refuseOddities(value, [], []);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { file: { path, sha256, isEmpty: value === undefined }, value: value ?? {} };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const what = cause instanceof YAMLParseError ? cause.message : cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${path}: ${what}`);
  }
}

/**
 * What a validator would pass over or never come to the end of: names that an object has by itself, and an alias of what it stands in.
 * @param above what `value` stands in, from the outermost on
 */
function refuseOddities(value: unknown, keys: readonly string[], above: readonly unknown[]): void {
  if (typeof value !== "object" || value === null) return;
  if (above.includes(value)) throw new Error(`${keys.join(".")}: an alias stands inside of what it repeats`);
  for (const [key, inner] of Object.entries(value)) {
    const at = [...keys, key];
    if (ownNames.includes(key)) throw new ConfigError(`${at.join(".")}: unknown key`);
    refuseOddities(inner, at, [...above, value]);
  }
}
