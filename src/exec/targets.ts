import { ExecgateError } from "../errors.ts";
import type { Runtime, Target } from "./runtime.ts";

/**
 * Finds the one target that `id` means: `RUNTIME:NAME`, or a runtime's bare name for a runtime that is its own target.
 * @throws TARGET_NOT_FOUND and what the runtime refuses
 */
export async function resolveTarget(runtimes: ReadonlyMap<string, Runtime>, id: string): Promise<Target> {
  const colon = id.indexOf(":");
  const runtime = runtimes.get(colon < 0 ? id : id.slice(0, colon));
  if (runtime === undefined) throw new ExecgateError("TARGET_NOT_FOUND", `There is no target ${JSON.stringify(id)}.`);
  return await runtime.resolve(id);
}

/** Every target of every runtime that answers. */
export async function listTargets(runtimes: ReadonlyMap<string, Runtime>): Promise<Target[]> {
  const lists = await Promise.allSettled([...runtimes.values()].map((runtime) => runtime.targets()));
  return lists.flatMap((list) => (list.status === "fulfilled" ? list.value : []));
}
