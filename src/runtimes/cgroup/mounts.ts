/** A mounted hierarchy of control groups: where it is seen, which part of it, and what it controls. */
export interface Mount {
  readonly root: string;
  readonly point: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

/** The mounted hierarchies in the text of /proc/self/mountinfo. */
export function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line): Mount[] => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", point = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type === "cgroup2") return [{ root, point, version: 2, controllers: [] }];
    return type === "cgroup" ? [{ root, point, version: 1, controllers: options.split(",") }] : [];
  });
}

/** A process's groups by controller, by "" that of version 2, in the text of /proc/PID/cgroup. */
export function parseGroups(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const controller of controllers?.split(",") ?? []) groups.set(controller, path ?? "/");
  }
  return groups;
}
