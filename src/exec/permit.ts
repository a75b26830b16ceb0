/** By what right a request runs, and on what terms: what policy said to it. */
export interface Permit {
  /** The rule that allows it; null where there is no policy. */
  readonly rule: string | null;
  /** Whether the session is to be recorded, and what becomes of it when it cannot be. */
  readonly record: "off" | "bestEffort" | "strict";
  /** The live sessions that its principal may have; undefined leaves it to the limits for everybody. */
  readonly sessionsPerPrincipalMax: number | undefined;
  /** The execs that its principal may start in a minute; undefined leaves it to the limits for everybody. */
  readonly execsPerMinutePerPrincipal: number | undefined;
}

/** The permit of a gateway without a policy. */
export const unconditional: Permit = Object.freeze({
  rule: null,
  record: "off",
  sessionsPerPrincipalMax: undefined,
  execsPerMinutePerPrincipal: undefined,
});
