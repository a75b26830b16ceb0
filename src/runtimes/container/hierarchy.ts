import { readFileSync } from "node:fs";
import { parseMounts } from "../cgroup/mounts.ts";

/** Where the hierarchy of control groups of version 2 is mounted; null where there is none, or the gateway is not root and cannot use it. */
export function findHierarchy(): string | null {
  if (process.getuid?.() !== 0) return null;
  const mounts = parseMounts(readFileSync("/proc/self/mountinfo", "utf8"));
  return mounts.find(({ version }) => version === 2)?.point ?? null;
}
