import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { ConfigError } from "./config-error.ts";

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
 * @throws ConfigError for what cannot be read, and for what is no YAML
 */
export function readYaml(path: string): { readonly file: ReadFile; readonly value: unknown } {
  try {
    const bytes = readFileSync(path);
    const value: unknown = parse(bytes.toString("utf8"), { uniqueKeys: true, strict: true }) ?? undefined;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { file: { path, sha256, isEmpty: value === undefined }, value: value ?? {} };
  } catch (cause) {
    const what = cause instanceof YAMLParseError ? cause.message : cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${path}: ${what}`);
  }
}
