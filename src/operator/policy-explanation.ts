import type { Decision } from "../access/policy/decision.ts";
import type { Verb } from "../access/principal.ts";
import type { Config } from "../config.ts";
import { type ExecMode, type ExecRequest, freezeRequest } from "../exec/request.ts";
import type { Labels } from "../exec/runtime.ts";

/** A request that nobody makes: what somebody wants to know about. */
export interface Supposed {
  readonly subject: string;
  /** Without `group:` in front. */
  readonly groups: readonly string[];
  readonly verb: Verb;
  /** A target's id, whole. */
  readonly target: string;
  /** Those that the target has. */
  readonly labels: Labels;
  readonly mode: ExecMode;
  readonly command: readonly string[];
  readonly user: string | undefined;
  /** Names. */
  readonly env: readonly string[];
  /** Undefined for the default of the mode. */
  readonly timeoutMs: number | undefined;
  readonly reason: string | undefined;
}

export interface Explanation {
  readonly isAllowed: boolean;
  /** What is to be told, the verdict first. */
  readonly lines: readonly string[];
}

/**
 * Says what a gateway with this configuration would decide, and by which rule.
 * @param now milliseconds since 1970
 */
export function explain({ policy, limits }: Config, supposed: Supposed, now: number): Explanation {
  if (policy === undefined) {
    return { isAllowed: true, lines: ["allowed: there is no policy section, so whoever is authenticated may do everything"] };
  }
  const { subject, groups, verb, reason } = supposed;
  const principal = { subject, groups, credential: "supposed", expiresAt: undefined };
  const timeoutMs = supposed.timeoutMs ?? (supposed.mode === "sync" ? limits.execTimeoutMsDefault : 0);
  const decision = policy.decide(principal, { verb, request: requestOf(supposed, timeoutMs), reason }, now);
  return { isAllowed: decision.isAllowed, lines: linesOf(decision, supposed) };
}

function linesOf(decision: Decision, { subject, target }: Supposed): string[] {
  if (decision.isAllowed) {
    const { rules, permit } = decision;
    const limits = Object.entries(permit).filter(([name, value]) => name !== "rule" && value !== undefined && value !== "off");
    return [`allowed by ${rules.join(", ")}`, ...limits.map(([name, value]) => `  ${name}: ${value}`)];
  }
  const { rule, condition, refusal } = decision;
  const answer = `  answered with ${refusal.code}: ${refusal.message}`;
  if (refusal.code === "TARGET_NOT_FOUND") return [`denied: no rule lets ${subject} near ${target}`, answer];
  if (rule === undefined) return [`denied: no rule allows this on ${target}`, answer];
  if (condition === undefined) return [`denied by ${rule}`, answer];
  return [`denied: no rule allows it; ${rule} comes nearest, but for ${condition}`, answer];
}

function requestOf({ subject, target, labels, mode, command, user, env, reason }: Supposed, timeoutMs: number): ExecRequest {
  const runtime = target.split(":")[0] ?? target;
  return freezeRequest({
    target: { id: target, runtime, name: target, immutableId: target, state: "running", labels },
    spec: { command, env: Object.fromEntries(env.map((name) => [name, ""])), cwd: undefined, user, tty: undefined, stdin: false },
    mode,
    principal: subject,
    reason,
    timeoutMs,
    descendants: "end",
    keepMs: 0,
    collect: undefined,
  });
}
