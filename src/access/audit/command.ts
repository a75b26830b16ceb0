import { createHmac, hash } from "node:crypto";
import type { Redactor } from "./redact.ts";

/** argv as the trail shows it, and what it can be recognized by. */
export interface DescribedCommand {
  /** With secrets taken out. */
  readonly argv: readonly string[];
  /** The SHA-256 of argv as it was, each argument followed by a NUL: `printf '%s\0' uname -a | sha256sum`. */
  readonly argvSha256?: string;
  /** The same under a key that the gateway keeps, where a secret was taken out: a bare hash would let a reader try what it was. */
  readonly argvHmacSha256?: string;
}

export type DescribeCommand = (command: readonly string[]) => DescribedCommand;

/** @param key the secret of `argvHmacSha256` */
export function createDescriber(redact: Redactor, key: Buffer): DescribeCommand {
  return (command) => {
    const { argv, isRedacted } = redact(command);
    const bytes = command.map((argument) => `${argument}\0`).join("");
    if (isRedacted) return { argv, argvHmacSha256: createHmac("sha256", key).update(bytes).digest("hex") };
    return { argv, argvSha256: hash("sha256", bytes, "hex") };
  };
}
