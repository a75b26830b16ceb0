import { type Static, Type } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";
import { optionalSection, text } from "./fields.ts";

/** `audit`: where it is written down who ran what. Without it nothing is. */
export const auditSchema = optionalSection({
  file: text("a path, or - for stdout"),
  mode: Type.Enum(["strict", "bestEffort"], { default: "strict", expected: "strict or bestEffort" }),
  redact: Type.Array(text("a regular expression"), { default: [], expected: "a list, each a regular expression" }),
});

type AuditFile = NonNullable<Static<typeof auditSchema>>;

/** `audit` with its patterns compiled. */
export interface AuditConfig extends Readonly<Omit<AuditFile, "redact">> {
  readonly redact: readonly RegExp[];
}

/** @throws ConfigError for a pattern that is none */
export function readAudit({ redact, ...rest }: AuditFile): AuditConfig {
  return { ...rest, redact: redact.map(readPattern) };
}

function readPattern(pattern: string, index: number): RegExp {
  try {
    return new RegExp(pattern, "gu");
  } catch (cause) {
    throw new ConfigError(`audit.redact.${index}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
