import type { ExecMode } from "../../exec/request.ts";
import type { Verb } from "../principal.ts";

/** The `policy` section of the configuration file, of the right shape. */
export interface PolicyDocument {
  readonly roles: Readonly<Record<string, RoleDocument>>;
  readonly bindings: readonly BindingDocument[];
}

export interface RoleDocument {
  readonly allow?: readonly AllowDocument[];
  readonly deny?: readonly DenyDocument[];
}

export interface BindingDocument {
  /** Each `user:NAME` or `group:NAME`. */
  readonly subjects: readonly string[];
  readonly roles: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
}

/** Which runs a rule is about. */
interface RunsDocument {
  /** Globs on target ids. */
  readonly targets?: readonly string[];
  /** Globs on the values of labels that the target must all have. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly verbs?: readonly Verb[];
  /** Exact argvs; `[]` is the login shell. */
  readonly commands?: "any" | readonly (readonly string[])[];
  readonly modes?: readonly ExecMode[];
  /** Users that a request may name; one that names none runs as the target's own. */
  readonly users?: "any" | readonly string[];
}

export interface AllowDocument extends RunsDocument {
  readonly verbs: readonly Verb[];
  readonly targets: readonly string[];
  /** Names that a request may set. */
  readonly env?: "any" | readonly string[];
  readonly timeoutMsMax?: number;
  readonly record?: "off" | "bestEffort" | "strict";
  readonly reasonRequired?: boolean;
  readonly sessionsPerPrincipalMax?: number;
  readonly execsPerMinutePerPrincipal?: number;
}

/** Matches what all its keys match; a key that is left out matches everything. */
export interface DenyDocument extends RunsDocument {
  /** Matches a request that sets any of these names. */
  readonly env?: readonly string[];
}
