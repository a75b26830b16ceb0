import { accessSync, chmodSync, constants, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Mount, parseGroups, parseMounts } from "../cgroup/mounts.ts";

/** What the kernel can limit for a control group. */
export type Controller = "pids" | "memory" | "cpu";

/** A directory of the kernel's in which this gateway makes control groups, and what holds for those. */
export interface Place {
  readonly directory: string;
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
  /** All members of a group can be ended at once, and it tells when none is left. */
  readonly canKill: boolean;
}

/**
 * Finds the places that can be used for `wanted` controllers and for ending groups, the latter first. In the gateway's own group where it may make
 * others, as in a service with Delegate=yes or in a container, else at the top. What is not to be had is left out.
 */
export function findPlaces(wanted: readonly Controller[]): Place[] {
  const mounts = parseMounts(read("/proc/self/mountinfo"));
  const own = parseGroups(read("/proc/self/cgroup"));
  const unified = mounts.filter(({ version }) => version === 2).flatMap((mount) => openUnified(mount, own.get("") ?? "/", wanted));
  const places = unified.slice(0, 1);
  for (const controller of wanted) {
    if (places.some(({ controllers }) => controllers.includes(controller))) continue;
    const mount = mounts.find(({ version, controllers }) => version === 1 && controllers.includes(controller));
    const directory = mount && candidates(mount, own.get(controller) ?? "/").find(make);
    if (directory !== undefined) places.push({ directory, version: 1, controllers: [controller], canKill: false });
  }
  return places;
}

/** The folder of the gateway in its own group, then the one at the top of what is mounted. */
function candidates({ root, point }: Mount, own: string): string[] {
  const below = root === "/" ? own : own === root || own.startsWith(`${root}/`) ? own.slice(root.length) : "/";
  // A group outside of what this container may see is shown by dots.
  return [...new Set([below.includes("..") ? "/" : below, "/"])].map((path) => join(point, path, "execgate"));
}

/** Others may pass through it, but not open it: who can open a directory can hold the lock that a start waits for. */
function make(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true });
    if (statSync(directory).uid === process.geteuid?.()) chmodSync(directory, 0o711);
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The places of version 2, best first: with every controller, then with what there is. */
function openUnified(mount: Mount, own: string, wanted: readonly Controller[]): Place[] {
  const places = candidates(mount, own)
    .filter(make)
    .map((directory): Place => {
      enable(join(directory, ".."), wanted, true);
      const controllers = enable(directory, wanted, false);
      return { directory, version: 2, controllers, canKill: read(join(directory, "cgroup.events")).includes("populated") };
    });
  return places.sort((a, b) => b.controllers.length - a.controllers.length);
}

/** Lets the groups below `group` have controllers; tells those that they have. */
function enable(group: string, wanted: readonly Controller[], holdsUs: boolean): Controller[] {
  const enabled = () => wanted.filter((controller) => words(join(group, "cgroup.subtree_control")).includes(controller));
  const missing = wanted.filter(
    (controller) => words(join(group, "cgroup.controllers")).includes(controller) && !enabled().includes(controller),
  );
  if (missing.length === 0) return enabled();
  const order = missing.map((controller) => `+${controller}`).join(" ");
  if (!write(join(group, "cgroup.subtree_control"), order) && holdsUs && stepDown(group)) {
    write(join(group, "cgroup.subtree_control"), order);
  }
  return enabled();
}

/** A group that has processes gives nothing to those below it. Where the gateway is the only one, it moves out of the way. */
function stepDown(group: string): boolean {
  if (words(join(group, "cgroup.procs")).join() !== String(process.pid)) return false;
  const below = join(group, "execgate-gateway");
  return make(below) && write(join(below, "cgroup.procs"), String(process.pid));
}

function words(file: string): string[] {
  return read(file).split(/\s+/).filter(Boolean);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function write(file: string, text: string): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch {
    return false;
  }
}
