import type { Probe, ProbeCheck } from "../probes/probe.ts";
import type { Candidate } from "../probes/select.ts";
import { cutTailLength, encodePiece } from "./encode-output.ts";

type Status = ProbeCheck["status"];

/** What checks come to together. Without any, nothing is known to be well. */
export function statusOf(checks: readonly ProbeCheck[]): Status {
  return checks.length > 0 && checks.every(({ status }) => status === "pass") ? "pass" : "fail";
}

/** The answer of `GET /v1/probes/{name}`. What is public shows no output. */
export function viewChecks(checks: readonly ProbeCheck[], isPublic: boolean): Record<string, unknown> {
  return { status: statusOf(checks), checks: checks.map((check) => viewCheck(check, isPublic)) };
}

function viewCheck({ target, status, fault, failures, exitCode, durationMs, checkedAt, output }: ProbeCheck, isPublic: boolean) {
  return {
    target,
    status,
    exitCode,
    durationMs: Math.round(durationMs * 1000) / 1000,
    checkedAt: new Date(checkedAt).toISOString(),
    ...(fault !== undefined && { reason: fault, failures }),
    ...(!isPublic && viewOutput(output)),
  };
}

/** As text where it is some, but for a character that the end cuts; else as base64. */
function viewOutput(output: Buffer): { output: string; outputEncoding?: "base64" } {
  const { data, encoding } = encodePiece(output.subarray(0, output.length - cutTailLength(output)), "utf8");
  return encoding === "utf8" ? { output: data } : { output: output.toString("base64"), outputEncoding: "base64" };
}

/** A probe among others, by what is known of these candidates. */
export function viewProbe(probe: Probe, candidates: readonly Candidate[]): Record<string, unknown> {
  const { name, isPublic, intervalMs } = probe.definition;
  const latest = probe.latest(candidates);
  const known = latest.filter((check) => check !== undefined);
  const checkedAt = Math.max(...known.map((check) => check.checkedAt));
  return {
    name,
    public: isPublic,
    intervalMs,
    targets: candidates.map(({ id }) => id),
    status: known.length === latest.length ? statusOf(known) : null,
    checkedAt: known.length === 0 ? null : new Date(checkedAt).toISOString(),
  };
}
