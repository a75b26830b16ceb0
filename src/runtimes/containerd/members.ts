import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Mount, parseGroups, parseMounts } from "../cgroup/mounts.ts";

let mounts: readonly Mount[] | undefined;

/**
 * The directory of the control group that a process is in, which is its whole container's; undefined when the process is gone,
 * or where its group is not to be seen from here or holds everything.
 */
export function groupOf(pid: number): string | undefined {
  mounts ??= parseMounts(read("/proc/self/mountinfo"));
  const groups = parseGroups(read(`/proc/${pid}/cgroup`));
  const candidates = [...mounts].sort((a, b) => b.version - a.version);
  for (const { root, point, version, controllers } of candidates) {
    const path = groups.get(version === 2 ? "" : (controllers.find((controller) => groups.has(controller)) ?? ""));
    if (path === undefined || path === "/" || path.includes("..") || root !== "/") continue;
    return join(point, path);
  }
  return undefined;
}

/** Whether a process of this number is here, and in a group of this name: that of another machine or PID namespace hardly is. */
export function isInGroup(pid: number, name: string): boolean {
  return [...parseGroups(read(`/proc/${pid}/cgroup`)).values()].some((path) => path.split("/").some((part) => part.includes(name)));
}

/** The processes in a group and the groups below it; all that there are when the group is not known. None in a group that is gone. */
export function membersOf(group: string | undefined): number[] {
  if (group === undefined) return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  const own = read(join(group, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
  const below = readdirSafely(group).flatMap((name) => membersOf(join(group, name)));
  return [...own, ...below];
}

function readdirSafely(group: string): string[] {
  try {
    return readdirSync(group, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
