import type { Caller } from "../../access/principal.ts";
import { ExecgateError } from "../../errors.ts";
import type { Runtime, Target } from "../../exec/runtime.ts";
import { listTargets } from "../../exec/targets.ts";
import type { RouteDeps } from "../deps.ts";
import { findTarget } from "../target.ts";
import { Collection, type Reading } from "./collection.ts";
import { type Namespace, namespaceResource } from "./namespace-resource.ts";
import { hasNamespaces, layOut, runtimeNamespaces } from "./namespaces.ts";
import { podResource } from "./pod-resource.ts";
import { type Container, type Pod, podOfSession, rememberPods, sessionsNamespace } from "./pods.ts";

type ClusterDeps = Pick<RouteDeps, "runtimes" | "sessions" | "authorizer" | "audit" | "clock" | "log">;

/** The targets and the live sessions of the gateway as pods in namespaces. */
export class Cluster {
  readonly pods: Collection<Pod>;
  readonly namespaces: Collection<Namespace>;
  readonly #deps: ClusterDeps;
  /** Namespace → runtime, for those runtimes that have no namespaces of their own. */
  readonly #fixed: ReadonlyMap<string, string>;
  readonly #podsOf = rememberPods();
  /** Namespaces of which it was told that they do not go by their own name. */
  readonly #told = new Set<string>();

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    this.#fixed = runtimeNamespaces(deps.runtimes.values());
    for (const [shownAs, runtime] of this.#fixed) {
      if (runtime !== shownAs && runtime !== "host")
        deps.log.warn({ runtime, shownAs }, "this runtime cannot be a namespace by its own name");
    }
    this.pods = new Collection(
      podResource,
      { read: (namespace) => this.#readPods(namespace), seenBy: (caller, pod) => this.#seenPart(caller, pod) },
      deps.clock,
    );
    this.namespaces = new Collection(
      namespaceResource,
      { read: () => this.#readNamespaces(), seenBy: (caller, namespace) => (this.#isSeen(caller, namespace) ? namespace : undefined) },
      deps.clock,
    );
  }

  /**
   * The target in which a container of a pod runs its commands.
   * @param container needs not be said of a pod that has one
   * @throws TARGET_NOT_FOUND and what the runtime refuses; BAD_REQUEST for a container that is not there, or has to be said
   */
  async target(caller: Caller, namespace: string, name: string, container: string | undefined): Promise<Target> {
    const pod = (await this.#readPods(namespace)).items.find((one) => one.name === name && one.namespace === namespace);
    if (pod === undefined) throw notFound("pods", name);
    if (pod.session !== undefined) throw noExecInSession();
    const seen = this.#seenPart(caller, pod);
    // What is hidden is looked for all the same, because it is written down that somebody tried.
    const { target } = seen === undefined ? (pod.containers[0] as Container) : chooseContainer(seen, container);
    return await findTarget(target.id, caller, this.#deps).catch((cause: unknown) => {
      throw cause instanceof ExecgateError && cause.code === "TARGET_NOT_FOUND" ? notFound("pods", name) : cause;
    });
  }

  async #readPods(namespace: string | undefined): Promise<Reading<Pod>> {
    const sessions = [...this.#deps.sessions.list()].filter(({ state }) => state !== "ended").map(podOfSession);
    if (namespace === sessionsNamespace) return { items: sessions, silent: [], isCovered: ({ session }) => session !== undefined };
    const { items, silent } = await this.#askAll(this.#runtimesOf(namespace));
    if (namespace === undefined) {
      return { items: [...items, ...sessions], silent, isCovered: (pod) => pod.session !== undefined || !silent.includes(runtimeOf(pod)) };
    }
    const pods = items.filter((pod) => pod.namespace === namespace);
    if (pods.length === 0 && silent[0] !== undefined) {
      throw new ExecgateError("RUNTIME_UNAVAILABLE", `The runtime ${silent[0]} does not say now what it has.`);
    }
    return { items: pods, silent, isCovered: (pod) => pod.namespace === namespace && !silent.includes(runtimeOf(pod)) };
  }

  async #readNamespaces(): Promise<Reading<Namespace>> {
    const { items, silent } = await this.#askAll([...this.#deps.runtimes.values()].filter(hasNamespaces));
    const own = new Map<string, Target[]>();
    for (const { namespace, containers } of items) {
      own.set(namespace, [...(own.get(namespace) ?? []), ...containers.map(({ target }) => target)]);
    }
    this.#tellTaken(own);
    const fixed = [...this.#fixed.keys(), sessionsNamespace].map((name) => ({ name, targets: undefined }));
    const isCovered = ({ targets }: Namespace): boolean => !silent.includes(targets?.[0]?.runtime ?? "");
    return { items: [...fixed, ...[...own].map(([name, targets]) => ({ name, targets }))], silent, isCovered };
  }

  /** Says of each namespace that cannot be shown by its own name what it is shown as, once. */
  #tellTaken(own: ReadonlyMap<string, readonly Target[]>): void {
    for (const [shownAs, [first]] of own) {
      const namespace = first?.name.split("/")[0];
      if (first === undefined || namespace === shownAs || this.#told.has(shownAs)) continue;
      this.#told.add(shownAs);
      this.#deps.log.warn({ runtime: first.runtime, namespace, shownAs }, "the name of this namespace is taken");
    }
  }

  #runtimesOf(namespace: string | undefined): readonly Runtime[] {
    const all = [...this.#deps.runtimes.values()];
    if (namespace === undefined) return all;
    const fixed = this.#fixed.get(namespace);
    return fixed === undefined ? all.filter(hasNamespaces) : all.filter(({ name }) => name === fixed);
  }

  /** The pods of those runtimes that answer. */
  async #askAll(runtimes: readonly Runtime[]): Promise<Pick<Reading<Pod>, "items" | "silent">> {
    const { targets, unavailable } = await listTargets(runtimes, this.#deps.clock);
    return { items: layOut(targets, this.#fixed, this.#podsOf), silent: unavailable };
  }

  /** The pod with those of its containers that some rule lets the caller near; undefined when there is none. */
  #seenPart(caller: Caller, pod: Pod): Pod | undefined {
    const { authorizer } = this.#deps;
    if (pod.session !== undefined) return authorizer.isSeen(caller, pod.session) ? pod : undefined;
    const containers = pod.containers.filter(({ target }) => authorizer.isNear(caller.principal, target));
    if (containers.length === pod.containers.length) return pod;
    return containers.length === 0 ? undefined : { ...pod, containers };
  }

  #isSeen({ principal }: Caller, { targets }: Namespace): boolean {
    return targets === undefined || targets.some((target) => this.#deps.authorizer.isNear(principal, target));
  }
}

function runtimeOf({ containers }: Pod): string {
  return containers[0]?.target.runtime ?? "";
}

/** @throws BAD_REQUEST */
function chooseContainer({ name, containers }: Pod, wanted: string | undefined): Container {
  const [first] = containers;
  const names = containers.map((container) => container.name).join(", ");
  if (wanted === undefined || wanted === "") {
    if (first !== undefined && containers.length === 1) return first;
    throw new ExecgateError("BAD_REQUEST", `The pod ${name} has several containers; name one of ${names}.`, { field: "container" });
  }
  const found = containers.find((container) => container.name === wanted);
  if (found !== undefined) return found;
  const message = `There is no container ${JSON.stringify(wanted)} in the pod ${name}; it has ${names}.`;
  throw new ExecgateError("BAD_REQUEST", message, { field: "container" });
}

/** What is said of what is not there, and of what the caller may not know of. */
export function notFound(plural: string, name: string, namespace?: string): ExecgateError {
  if (namespace === sessionsNamespace)
    return new ExecgateError("SESSION_NOT_FOUND", `pods ${JSON.stringify(name)} not found: there is no such session that lives.`);
  return new ExecgateError(
    "TARGET_NOT_FOUND",
    `${plural} ${JSON.stringify(name)} not found; kubectl get ${plural}${plural === "pods" ? " -A" : ""} lists those that are there.`,
  );
}

function noExecInSession(): ExecgateError {
  return new ExecgateError("NOT_SUPPORTED", "A session runs one command; attach to it, or exec in the pod of its target.");
}
