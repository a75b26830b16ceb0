import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "./config-error.ts";

/**
 * The owner's token where the environment gives it, itself or by its file.
 * @throws ConfigError for one that no header can carry, and for a file that cannot be read
 */
export function readOwnerToken(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const file = env.EXECGATE_TOKEN_FILE;
  const token = env.EXECGATE_TOKEN ?? (file === undefined ? undefined : readSecret(resolve(file)));
  if (token !== undefined && !/^[\x21-\x7e]{16,512}$/.test(token)) {
    throw new ConfigError("EXECGATE_TOKEN: expected 16 to 512 printable characters without spaces");
  }
  return token;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigError(`EXECGATE_TOKEN_FILE: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
