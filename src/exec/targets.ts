import { ExecgateError } from "../errors.ts";
import { type Clock, within } from "./clock.ts";
import type { Runtime, Target } from "./runtime.ts";

/** How long a runtime may take to list its targets, milliseconds. */
const listMsMax = 3000;

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

/** Whether a target is known to have all of these labels. */
export function hasLabels({ labels }: Target, wanted: readonly (readonly [name: string, value: string])[]): boolean {
  return wanted.every(([name, value]) => labels?.[name] === value);
}

export interface TargetList {
  readonly targets: readonly Target[];
  /** The names of the runtimes whose targets are not known now. */
  readonly unavailable: readonly string[];
}

/** Every target of every runtime, of those that answer in time. */
export async function listTargets(runtimes: Iterable<Runtime>, clock: Clock): Promise<TargetList> {
  const lists = await Promise.all([...runtimes].map((runtime) => listOf(runtime, clock)));
  return {
    targets: lists.flatMap(({ targets }) => targets ?? []),
    unavailable: lists.filter(({ targets }) => targets === undefined).map(({ name }) => name),
  };
}

async function listOf(runtime: Runtime, clock: Clock): Promise<{ name: string; targets: readonly Target[] | undefined }> {
  let targets: readonly Target[] | undefined;
  const listed = runtime.targets().then(
    (list) => {
      targets = list;
    },
    () => undefined,
  );
  await within(clock, listMsMax, listed);
  return { name: runtime.name, targets };
}
