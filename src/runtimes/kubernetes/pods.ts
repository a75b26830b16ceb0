import { ExecgateError } from "../../errors.ts";
import type { Target } from "../../exec/runtime.ts";
import { get } from "./api.ts";
import type { Cluster } from "./cluster.ts";
import { type Pod, readPod } from "./pod.ts";

/** A page this long takes some milliseconds to parse. */
const podsPerPage = 250;

/** Who has more pods is to say which namespaces are meant. */
const targetsMax = 50_000;

/** How long a list is good for: a page of targets that is asked for by many asks the API server once. */
const listMs = 1000;

/** `*` in the configuration: the pods of all namespaces. */
const everywhere = "*";

const dnsName = "[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?";
const idPattern = new RegExp(`^(${dnsName})/(${dnsName})(?:/(${dnsName}))?$`);

/** The pods of the configured namespaces as targets: each container is one, `NAME:NAMESPACE/POD/CONTAINER`. */
export class Pods {
  readonly #runtime: string;
  readonly #cluster: Cluster;
  readonly #namespaces: readonly string[];
  #listing: { readonly targets: Promise<readonly Target[]>; readonly untilMs: number } | undefined;

  constructor(runtime: string, cluster: Cluster, namespaces: readonly string[]) {
    this.#runtime = runtime;
    this.#cluster = cluster;
    this.#namespaces = namespaces.length === 0 ? [cluster.namespace] : namespaces.includes(everywhere) ? [everywhere] : namespaces;
  }

  /** @throws RUNTIME_UNAVAILABLE, OVERLOADED */
  list(): Promise<readonly Target[]> {
    const now = performance.now();
    if (this.#listing === undefined || this.#listing.untilMs < now) {
      const targets = this.#list();
      this.#listing = { targets, untilMs: now + listMs };
      targets.catch(() => {
        this.#listing = undefined;
      });
    }
    return this.#listing.targets;
  }

  /** The container that `id` means, whatever its state. @throws TARGET_NOT_FOUND, RUNTIME_UNAVAILABLE */
  async resolve(id: string): Promise<Target> {
    const [, namespace = "", name = "", container] = idPattern.exec(id.slice(this.#runtime.length + 1)) ?? [];
    if (!id.startsWith(`${this.#runtime}:`) || !this.#isOurs(namespace)) throw notFound(id);
    const pod = await this.#read(namespace, name);
    const target = pod && this.#targetOf(pod, container ?? pod.defaultContainer);
    if (target === undefined) throw notFound(id);
    return target;
  }

  /**
   * Makes sure that `target` is still what it was when it was resolved, and runs. What answers after a stream was opened
   * holds for that stream as well: a pod that is gone does not come back under its identity.
   * @throws TARGET_NOT_FOUND, TARGET_NOT_RUNNING with the state, RUNTIME_UNAVAILABLE
   */
  async verify(target: Target, signal?: AbortSignal): Promise<void> {
    const { namespace, name, container } = placeOf(target);
    const pod = await this.#read(namespace, name, signal);
    const now = pod && this.#targetOf(pod, container);
    if (now?.immutableId !== target.immutableId) throw notFound(target.id);
    if (now.state === "running") return;
    throw new ExecgateError("TARGET_NOT_RUNNING", `${target.id} is ${now.state}; commands run in containers that run.`, {
      state: now.state,
    });
  }

  /** @throws RUNTIME_UNAVAILABLE when pods cannot be listed */
  async ping(signal: AbortSignal): Promise<void> {
    await get(this.#cluster, `${collection(this.#namespaces[0] ?? everywhere)}?limit=1`, signal);
  }

  #isOurs(namespace: string): boolean {
    return namespace !== "" && (this.#namespaces.includes(everywhere) || this.#namespaces.includes(namespace));
  }

  async #read(namespace: string, name: string, signal?: AbortSignal): Promise<Pod | undefined> {
    try {
      return readPod(await get(this.#cluster, `${collection(namespace)}/${name}`, signal));
    } catch (error) {
      if (error instanceof ExecgateError && error.code === "TARGET_NOT_FOUND") return undefined;
      throw error;
    }
  }

  async #list(): Promise<readonly Target[]> {
    const targets: Target[] = [];
    for (const namespace of this.#namespaces) {
      let next: string | undefined = "";
      while (next !== undefined) {
        const query = new URLSearchParams({ limit: String(podsPerPage), ...(next !== "" && { continue: next }) });
        const page = (await get(this.#cluster, `${collection(namespace)}?${query}`)) as PodList;
        for (const item of page.items ?? []) {
          const pod = readPod(item);
          for (const container of pod?.containers.keys() ?? []) targets.push(this.#targetOf(pod as Pod, container) as Target);
        }
        if (targets.length > targetsMax) {
          throw new ExecgateError("OVERLOADED", `There are over ${targetsMax} containers; name the namespaces that are meant.`);
        }
        next = page.metadata?.continue || undefined;
      }
    }
    return targets;
  }

  #targetOf(pod: Pod, container: string): Target | undefined {
    const state = pod.containers.get(container);
    if (state === undefined) return undefined;
    const name = `${pod.namespace}/${pod.name}/${container}`;
    const id = `${this.#runtime}:${name}`;
    return Object.freeze({ id, runtime: this.#runtime, name, immutableId: `${pod.uid}/${container}`, state, labels: pod.labels });
  }
}

interface PodList {
  readonly items?: readonly unknown[];
  readonly metadata?: { readonly continue?: string };
}

/** The parts of a target's name. */
export function placeOf(target: Target): { namespace: string; name: string; container: string } {
  const [namespace = "", name = "", container = ""] = target.name.split("/");
  return { namespace, name, container };
}

/** The path of a namespace's pods. Names are checked before they come here, so that none can change the path. */
export function collection(namespace: string): string {
  return namespace === everywhere ? "/api/v1/pods" : `/api/v1/namespaces/${namespace}/pods`;
}

function notFound(id: string): ExecgateError {
  return new ExecgateError("TARGET_NOT_FOUND", `There is no target ${JSON.stringify(id)}.`);
}
