import type { Glob } from "../access/policy/glob.ts";
import type { TextPattern } from "./pattern.ts";

/** Which targets a probe looks at. */
export type Selection =
  /** Each glob stands for the targets that it matches, and what is no glob for the target of that id. */
  | { readonly kind: "targets"; readonly globs: readonly Glob[] }
  /** Every target that has all of these labels. */
  | { readonly kind: "labels"; readonly labels: Readonly<Record<string, string>> };

/** A health check as the configuration declares it; callers add nothing to it. */
export interface ProbeDefinition {
  readonly name: string;
  readonly selection: Selection;
  /** argv; never given to a shell. */
  readonly command: readonly string[];
  /** Wall time of one check, from looking for its target to the command's end, milliseconds. */
  readonly timeoutMs: number;
  /** How old an answer may be, milliseconds, counted from the end of its check. */
  readonly cacheMs: number;
  /** How often it is run without being asked, milliseconds from start to start; 0 is never. */
  readonly intervalMs: number;
  /** So many checks of a target must fail one after another before it is no longer said to pass. */
  readonly failureThreshold: number;
  readonly expect: { readonly exitCode: number; readonly stdoutMatches: TextPattern | undefined };
  /** Whoever can reach the gateway may ask, and is not shown any output. */
  readonly isPublic: boolean;
}

/** Whether it has wildcards; else it is the id of one target, which nobody has to be asked for. */
export function isGlob({ text }: Glob): boolean {
  return /[*?]/.test(text);
}
