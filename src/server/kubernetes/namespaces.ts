import type { Runtime, Target } from "../../exec/runtime.ts";
import { dnsLabel, freeLabel } from "./names.ts";
import { type Pod, type podsOf, sessionsNamespace } from "./pods.ts";

type Named = Pick<Runtime, "name" | "kind">;

/** The namespace of the machine itself. */
const hostNamespace = "default";

/** A runtime whose targets stand in namespaces already, which are shown as they are. */
export function hasNamespaces({ kind }: Named): boolean {
  return kind === "kubernetes";
}

/** Namespace → the runtime whose targets are its pods: `default` for the host, and one of its name for each other. */
export function runtimeNamespaces(runtimes: Iterable<Named>): ReadonlyMap<string, string> {
  const namespaces = new Map<string, string>();
  const all = [...runtimes].filter((runtime) => !hasNamespaces(runtime));
  const taken = new Set([hostNamespace, sessionsNamespace]);
  const give = (namespace: string, { name }: Named): void => {
    namespaces.set(namespace, name);
    taken.add(namespace);
  };
  for (const runtime of all) {
    if (runtime.kind === "host" && !namespaces.has(hostNamespace)) give(hostNamespace, runtime);
    else give(freeLabel([dnsLabel(runtime.name), dnsLabel(`runtime-${runtime.name}`)], taken), runtime);
  }
  return namespaces;
}

/**
 * The pods that all these targets are. Of runtimes that have namespaces of their own, one whose name is taken, by the
 * gateway's or by a runtime that is configured before, has the runtime's name in front.
 * @param targets in the order of the configuration
 * @param toPods the pods of one namespace
 */
export function layOut(targets: readonly Target[], fixed: ReadonlyMap<string, string>, toPods: typeof podsOf): readonly Pod[] {
  const namespaceOf = new Map([...fixed].map(([namespace, runtime]) => [runtime, namespace]));
  const taken = new Set([...fixed.keys(), hostNamespace, sessionsNamespace]);
  const groups = new Map<string, { namespace: string; targets: Target[] }>();
  for (const target of targets) {
    const { runtime, name } = target;
    const own = name.split("/")[0] ?? name;
    const isFixed = namespaceOf.has(runtime);
    const key = isFixed ? runtime : `${runtime}/${own}`;
    const group = groups.get(key) ?? {
      namespace: namespaceOf.get(runtime) ?? freeLabel([own, dnsLabel(`${runtime}-${own}`)], taken),
      targets: [],
    };
    taken.add(group.namespace);
    group.targets.push(target);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap((group) => toPods(group.namespace, group.targets));
}
