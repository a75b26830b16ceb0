import type { Authorizer } from "../access/authorizer.ts";
import { targetNotFound } from "../access/policy/decision.ts";
import type { Principal } from "../access/principal.ts";
import type { Runtime, Target } from "../exec/runtime.ts";
import { resolveTarget } from "../exec/targets.ts";

/**
 * The target that `id` means to this principal. What no rule lets it near is not there, whatever the runtime says of it.
 * @throws TARGET_NOT_FOUND and what the runtime refuses
 */
export async function findTarget(
  id: string,
  principal: Principal,
  { runtimes, authorizer }: { runtimes: ReadonlyMap<string, Runtime>; authorizer: Authorizer },
): Promise<Target> {
  const target = await resolveTarget(runtimes, id).catch((cause: unknown) => {
    throw authorizer.isNear(principal, id) ? cause : targetNotFound(id);
  });
  if (authorizer.isNear(principal, target.id)) return target;
  throw targetNotFound(id);
}
