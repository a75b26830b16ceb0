import type { Found } from "./containers.ts";
import { groupOf, isInGroup } from "./members.ts";
import { type OciProcess, specOf } from "./process-spec.ts";

/** What a command is started in, as far as it is known here. */
export interface Surroundings {
  /** The container's own process, after which every other is made. */
  readonly own: OciProcess;
  /** The container's first process, if it can be seen from here. */
  readonly pid: number | undefined;
  /** The directory of the container's control group, if that can be seen from here. */
  readonly group: string | undefined;
}

/** Of containers that were found to run on this machine, for as long as what was found is used. */
const known = new WeakMap<Found, Surroundings>();

/** @throws RUNTIME_UNAVAILABLE when the container's specification cannot be read */
export function surroundingsOf(found: Found): Surroundings {
  const before = known.get(found);
  if (before !== undefined) return before;
  const { container, task } = found;
  const { process: own, group: name } = specOf(container);
  const pid = task !== undefined && isInGroup(task.pid, name) ? task.pid : undefined;
  const surroundings = { own, pid, group: pid === undefined ? undefined : groupOf(pid) };
  if (pid !== undefined) known.set(found, surroundings);
  return surroundings;
}
