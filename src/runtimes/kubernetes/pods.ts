import { ExecgateError } from "../../errors.ts";
import type { Target } from "../../exec/runtime.ts";
import { get } from "./api.ts";
import type { WatchOptions } from "./bounded-watch.ts";
import type { Cluster } from "./cluster.ts";
import { collection, everywhere, placeOf } from "./place.ts";
import { type Pod, readPod } from "./pod.ts";
import { PodWatch, type WatchedPod } from "./pod-watch.ts";

const dnsName = "[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?";
const idPattern = new RegExp(`^(${dnsName})/(${dnsName})(?:/(${dnsName}))?$`);

/** The pods of the configured namespaces as targets: each container is one, `NAME:NAMESPACE/POD/CONTAINER`. */
export class Pods {
  readonly #runtime: string;
  readonly #cluster: Cluster;
  readonly #namespaces: readonly string[];
  readonly #watches: readonly PodWatch[];

  constructor(runtime: string, cluster: Cluster, namespaces: readonly string[], options: WatchOptions) {
    this.#runtime = runtime;
    this.#cluster = cluster;
    this.#namespaces = namespaces.length === 0 ? [cluster.namespace] : namespaces.includes(everywhere) ? [everywhere] : namespaces;
    const read = (json: unknown): WatchedPod | undefined => this.#watchedOf(readPod(json));
    this.#watches = this.#namespaces.map((namespace) => new PodWatch(cluster, collection(namespace), read, options));
  }

  /** Every container, as the API server tells of them. @throws RUNTIME_UNAVAILABLE, OVERLOADED */
  async list(): Promise<readonly Target[]> {
    const [first = [], ...more] = await Promise.all(this.#watches.map((watch) => watch.targets()));
    return more.length === 0 ? first : [first, ...more].flat();
  }

  /**
   * The container that `id` means, whatever its state. It is asked for: a watch may tell of a pod a moment later than others
   * do, and what is decided on is to be what has the name now.
   * @throws TARGET_NOT_FOUND, RUNTIME_UNAVAILABLE
   */
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

  /**
   * Asks the API server, since a watch that it keeps open says nothing of it.
   * @throws RUNTIME_UNAVAILABLE, OVERLOADED when pods cannot be listed and watched
   */
  async ping(signal: AbortSignal): Promise<void> {
    await get(this.#cluster, `${collection(this.#namespaces[0] ?? everywhere)}?limit=1`, signal);
    await this.list();
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
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

  #watchedOf(pod: Pod | undefined): WatchedPod | undefined {
    if (pod === undefined) return undefined;
    const { namespace, name, version } = pod;
    const targets = [...pod.containers.keys()].map((container) => this.#targetOf(pod, container) as Target);
    return { metadata: { namespace, name, ...(version !== undefined && { resourceVersion: version }) }, targets };
  }

  #targetOf(pod: Pod, container: string): Target | undefined {
    const state = pod.containers.get(container);
    if (state === undefined) return undefined;
    const name = `${pod.namespace}/${pod.name}/${container}`;
    const id = `${this.#runtime}:${name}`;
    return Object.freeze({ id, runtime: this.#runtime, name, immutableId: `${pod.uid}/${container}`, state, labels: pod.labels });
  }
}

function notFound(id: string): ExecgateError {
  return new ExecgateError("TARGET_NOT_FOUND", `There is no target ${JSON.stringify(id)}.`);
}
