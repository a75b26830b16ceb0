import { readFileSync, statSync } from "node:fs";
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
    refuseExposed(file);
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigError(`EXECGATE_TOKEN_FILE: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/**
 * Refuses a secret that others can read, as ssh does: a file of our own that is open to its group or to everybody. One
 * that somebody else gave us, such as a mounted secret, has the mode that they chose.
 * @throws Error
 */
export function refuseExposed(file: string): void {
  const { uid, mode } = statSync(file);
  if (uid !== process.geteuid?.() || (mode & 0o077) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  throw new Error(
    `${file} has mode ${octal}, so that others can read the token; set it to 0600 (chmod 600) and, if they may have, make a new one`,
  );
}
