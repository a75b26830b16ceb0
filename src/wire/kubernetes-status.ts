import type { Outcome } from "../exec/outcome.ts";

/** The text of the Status that tells a Kubernetes client how its command ended, key by key as kubelets write it. */
export function outcomeStatus(outcome: Outcome): string {
  if (outcome.outcome !== "exited" || outcome.exitCode === null) return failureStatus(endSentence(outcome));
  return outcome.exitCode === 0 ? JSON.stringify({ metadata: {}, status: "Success" }) : exitCodeStatus(outcome.exitCode);
}

/** The text of the Status for everything that is not the command's own exit code. */
export function failureStatus(cause: string): string {
  return JSON.stringify({
    metadata: {},
    status: "Failure",
    message: `Internal error occurred: ${cause}`,
    reason: "InternalError",
    details: { causes: [{ message: cause }] },
    code: 500,
  });
}

function exitCodeStatus(exitCode: number): string {
  return JSON.stringify({
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: command terminated with exit code ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  });
}

function endSentence(outcome: Outcome): string {
  if (outcome.outcome === "timeout") return "command was ended: timeout";
  if (outcome.outcome === "killed") return `command was ended: killed by ${outcome.endedBy ?? "the gateway"}`;
  return "command was lost: its exit code is not known";
}
