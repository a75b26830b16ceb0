import { type ExecgateError, errorTable } from "../../errors.ts";

/** Whether a path belongs to the Kubernetes-compatible API, whose refusals are Status objects. */
export function isKubernetesPath(url: string): boolean {
  return /^\/(version|api|apis)(\/|\?|$)/.test(url);
}

/** A refusal as Kubernetes has it: the cause has the stable code, and the field where one is wrong. */
export function statusOf(error: ExecgateError): object {
  const { status, reason } = errorTable[error.code];
  const { field, retryAfterS } = error.details;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: error.message,
    reason,
    details: {
      causes: [{ reason: error.code, message: error.message, ...(field !== undefined && { field }) }],
      ...(retryAfterS !== undefined && { retryAfterSeconds: retryAfterS }),
    },
    code: status,
  };
}
