import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { targetNotFound } from "../access/policy/decision.ts";
import type { Caller } from "../access/principal.ts";
import { ExecgateError } from "../errors.ts";
import type { Runtime, Target } from "../exec/runtime.ts";
import { resolveTarget } from "../exec/targets.ts";

interface TargetDeps {
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly authorizer: Authorizer;
  readonly audit: Audit;
}

/**
 * The target that `id` means to this caller. What no rule lets it near is not there, in the same
 * words as for what is not, and whatever the runtime says of it.
 * @throws TARGET_NOT_FOUND and what the runtime refuses
 */
export async function findTarget(id: string, caller: Caller, { runtimes, authorizer, audit }: TargetDeps): Promise<Target> {
  const { principal } = caller;
  const target = await resolveTarget(runtimes, id).catch((cause: unknown) => {
    throw authorizer.isNear(principal, { id, labels: undefined }) && !isNotFound(cause) ? cause : targetNotFound(id);
  });
  if (authorizer.isNear(principal, target)) return target;
  audit.hidden(caller, target);
  throw targetNotFound(id);
}

/**
 * The target that is a container of the one that `id` means, as Kubernetes clients name it: of a pod, `RUNTIME:NAMESPACE/POD`, any that
 * it has; what is one container by itself goes by its own name.
 * @throws what `findTarget` throws; BAD_REQUEST for a container of another name
 */
export async function findContainer(id: string, container: string, caller: Caller, deps: TargetDeps): Promise<Target> {
  const isPod = /^[^/]+\/[^/]+$/.test(id);
  const target = await findTarget(isPod ? `${id}/${container}` : id, caller, deps);
  const own = target.name.split("/").at(-1) ?? "";
  if (own === container) return target;
  const message = `There is no container ${JSON.stringify(container)} in ${JSON.stringify(id)}; it has ${own}.`;
  throw new ExecgateError("BAD_REQUEST", message, { field: "container" });
}

function isNotFound(cause: unknown): boolean {
  return cause instanceof ExecgateError && cause.code === "TARGET_NOT_FOUND";
}
