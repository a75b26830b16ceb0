import { createHash } from "node:crypto";
import type { Target } from "../../exec/runtime.ts";
import type { Session } from "../../exec/session.ts";
import { dnsLabel, namePods } from "./names.ts";

/** One place in a pod where commands run. */
export interface Container {
  readonly name: string;
  readonly target: Target;
}

/** What Kubernetes clients see of a target, of several that a runtime has in one pod, or of a session. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  /** The same as long as what it stands for is. */
  readonly uid: string;
  /** At least one. */
  readonly containers: readonly Container[];
  /** The session to attach to, where it is one. */
  readonly session: Session | undefined;
}

export const sessionsNamespace = "sessions";
/** What the one container of a session is called. */
export const sessionContainer = "session";

/** The labels by which the container runtimes of Kubernetes say where a container belongs. */
const criLabels = {
  namespace: "io.kubernetes.pod.namespace",
  pod: "io.kubernetes.pod.name",
  container: "io.kubernetes.container.name",
} as const;

interface Place {
  /** What the containers of one pod have in common. */
  readonly key: string;
  readonly pod: string;
  readonly container: string;
}

/** Where a target stands in its runtime, by the labels of Kubernetes or by its name: `NAME`, `NAMESPACE/ID` or `NAMESPACE/POD/CONTAINER`. */
function placeOf({ runtime, name, labels = {} }: Target): Place {
  const [pod, container] = [labels[criLabels.pod], labels[criLabels.container]];
  if (pod !== undefined && container !== undefined) return { key: `${runtime}:${labels[criLabels.namespace]}/${pod}`, pod, container };
  const parts = name.split("/");
  const own = parts.at(-1) ?? name;
  if (parts.length < 3) return { key: `${runtime}:${name}`, pod: own, container: own };
  return { key: `${runtime}:${parts.slice(0, -1).join("/")}`, pod: parts[1] ?? own, container: own };
}

/** The pods that `targets` are in `namespace`, each with its containers in the order of the list. */
export function podsOf(namespace: string, targets: readonly Target[]): readonly Pod[] {
  const groups = new Map<string, { text: string; key: string; containers: Container[] }>();
  for (const target of targets) {
    const { key, pod, container } = placeOf(target);
    const group = groups.get(key) ?? { text: pod, key, containers: [] };
    group.containers.push({ name: dnsLabel(container), target });
    groups.set(key, group);
  }
  return [...namePods([...groups.values()])].map(([name, { containers }]) => {
    const identity = containers.map(({ target }) => target.immutableId).sort();
    return { namespace, name, uid: uuidOf(JSON.stringify([namespace, ...identity])), containers, session: undefined };
  });
}

/**
 * `podsOf` that gives the same pods again for the same targets: a runtime that watches gives the same objects until one
 * changes, and what stands behind a pod then needs not be made, numbered and compared anew for everyone who asks.
 */
export function rememberPods(): typeof podsOf {
  const made = new WeakMap<Target, { namespace: string; targets: readonly Target[]; pods: readonly Pod[] }>();
  return (namespace, targets) => {
    const [first] = targets;
    if (first === undefined) return [];
    const known = made.get(first);
    if (known?.namespace === namespace && areSame(known.targets, targets)) return known.pods;
    const pods = podsOf(namespace, targets);
    made.set(first, { namespace, targets, pods });
    return pods;
  };
}

function areSame(some: readonly Target[], others: readonly Target[]): boolean {
  return some.length === others.length && some.every((target, index) => target === others[index]);
}

/** The pod that a session is. */
export function podOfSession(session: Session): Pod {
  const name = session.id.toLowerCase();
  const containers = [{ name: sessionContainer, target: session.request.target }];
  return { namespace: sessionsNamespace, name, uid: uuidOf(session.id), containers, session };
}

function uuidOf(identity: string): string {
  const hex = createHash("sha256").update(identity).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}
