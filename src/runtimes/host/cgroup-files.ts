import { readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** True when it is gone; a group with members stays. */
export function removeGroup(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

/** A thread of the gateway that is in a group shows as the gateway, which is no member of it. */
export function members(group: string): number[] {
  const pids = (read(join(group, "cgroup.procs")) ?? "").split("\n").map(Number);
  return pids.filter((pid) => pid > 0 && pid !== process.pid);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}

export function write(file: string, text: string): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch {
    return false;
  }
}
