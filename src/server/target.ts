import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { targetNotFound } from "../access/policy/decision.ts";
import type { Caller } from "../access/principal.ts";
import { ExecgateError } from "../errors.ts";
import type { Runtime, Target } from "../exec/runtime.ts";
import { resolveTarget } from "../exec/targets.ts";

/**
 * The target that `id` means to this caller. What no rule lets it near is not there, in the same
 * words as for what is not, and whatever the runtime says of it.
 * @throws TARGET_NOT_FOUND and what the runtime refuses
 */
export async function findTarget(
  id: string,
  caller: Caller,
  { runtimes, authorizer, audit }: { runtimes: ReadonlyMap<string, Runtime>; authorizer: Authorizer; audit: Audit },
): Promise<Target> {
  const { principal } = caller;
  const target = await resolveTarget(runtimes, id).catch((cause: unknown) => {
    throw authorizer.isNear(principal, { id, labels: undefined }) && !isNotFound(cause) ? cause : targetNotFound(id);
  });
  if (authorizer.isNear(principal, target)) return target;
  audit.hidden(caller, target);
  throw targetNotFound(id);
}

function isNotFound(cause: unknown): boolean {
  return cause instanceof ExecgateError && cause.code === "TARGET_NOT_FOUND";
}
