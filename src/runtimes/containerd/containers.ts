import { ExecgateError } from "../../errors.ts";
import type { Target } from "../../exec/runtime.ts";
import type { Api, Container, Task } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { Changes } from "./changes.ts";
import { toRuntimeError } from "./failure.ts";
import { filterOf, nameOf, parseName, type Reference } from "./name.ts";

/** A container with its task, as they were when it was looked up. */
export interface Found {
  readonly namespace: string;
  readonly container: Container;
  /** Undefined while nothing of it runs. */
  readonly task: Task | undefined;
  readonly target: Target;
}

/** How long what a target was resolved to is used: after that it may have been started anew. */
const freshMs = 1000;

/** Names whose containers are remembered. */
const rememberedMax = 1000;

/** Finds containers by what clients call them. */
export class Containers {
  readonly #runtime: string;
  readonly #api: Api;
  readonly #namespaces: readonly string[];
  readonly #changes: Changes;
  /** What targets were resolved to and when, of the clock that only grows, so that a start right after it does not ask again. */
  readonly #resolved = new WeakMap<Target, { readonly found: Found; readonly atMs: number }>();
  /** What ids mean in this state of changes; empty while changes are not heard of. */
  readonly #remembered = new Map<string, Found>();
  #rememberedIn: number | undefined;

  constructor(runtime: string, api: Api, namespaces: readonly string[]) {
    this.#runtime = runtime;
    this.#api = api;
    this.#namespaces = namespaces;
    this.#changes = new Changes(api, namespaces);
  }

  close(): void {
    this.#changes.close();
  }

  /** Every container of every namespace. @throws RUNTIME_UNAVAILABLE */
  async list(): Promise<Target[]> {
    const lists = await Promise.all(this.#namespaces.map((namespace) => this.#all(namespace)));
    return lists.flat().map(({ target }) => target);
  }

  /** @throws TARGET_NOT_FOUND, TARGET_AMBIGUOUS, TARGET_NOT_RUNNING, RUNTIME_UNAVAILABLE */
  async resolve(id: string): Promise<Target> {
    const found = await this.#recall(id);
    this.#resolved.set(found.target, { found, atMs: performance.now() });
    return found.target;
  }

  /** What `target` was resolved to just now and runs, or what it is now. @throws TARGET_NOT_FOUND, RUNTIME_UNAVAILABLE */
  async of(target: Target): Promise<Found> {
    const resolved = this.#resolved.get(target);
    const isFresh = resolved !== undefined && performance.now() - resolved.atMs < freshMs && target.state === "running";
    return isFresh ? resolved.found : await this.now(target);
  }

  /** What has become of `target`. @throws TARGET_NOT_FOUND, RUNTIME_UNAVAILABLE */
  async now(target: Target): Promise<Found> {
    const [namespace = "", id = ""] = target.immutableId.split("/");
    const found = await this.#get(namespace, id);
    if (found === undefined) throw missing(target.id, " any more");
    return found;
  }

  /** What `id` meant when it was asked for last, if nothing has changed since; else what it means now. */
  async #recall(id: string): Promise<Found> {
    const { state } = this.#changes;
    if (state !== this.#rememberedIn || this.#remembered.size >= rememberedMax) this.#remembered.clear();
    this.#rememberedIn = state;
    const found = this.#remembered.get(id) ?? (await this.#find(id));
    if (state !== undefined && state === this.#changes.state) this.#remembered.set(id, found);
    return found;
  }

  async #find(id: string): Promise<Found> {
    const reference = parseName(id.slice(this.#runtime.length + 1));
    if (reference === undefined || !id.startsWith(`${this.#runtime}:`)) {
      throw missing(id, `; a container is ${this.#runtime}:NAMESPACE/ID or ${this.#runtime}:NAMESPACE/POD/CONTAINER`);
    }
    if (!this.#namespaces.includes(reference.namespace)) throw missing(id, `: its namespace is none of ${this.#namespaces.join(", ")}`);
    const exact = reference.kind === "id" ? await this.#get(reference.namespace, reference.idOrPrefix) : undefined;
    return exact ?? one(id, reference, await this.#select(reference));
  }

  async #get(namespace: string, id: string): Promise<Found | undefined> {
    const [answer, task] = await Promise.all([
      this.#api.call("containers.v1.Containers/Get", namespace, { id }).catch(orUndefined),
      this.#task(namespace, id),
    ]);
    return answer && this.#toFound(namespace, answer.container, task);
  }

  /** Those that a name may mean. */
  async #select(reference: Reference): Promise<Found[]> {
    const { namespace } = reference;
    const { containers } = await this.#call("containers.v1.Containers/List", namespace, { filters: [filterOf(reference)] });
    return await Promise.all(
      containers.map(async (container) => this.#toFound(namespace, container, await this.#task(namespace, container.id))),
    );
  }

  /** Each is asked for by itself: a list of tasks would ask what runs every container of the namespace. */
  async #task(namespace: string, id: string): Promise<Task | undefined> {
    return (await this.#api.call("tasks.v1.Tasks/Get", namespace, { containerId: id }).catch(orUndefined))?.process;
  }

  async #all(namespace: string): Promise<Found[]> {
    const [{ containers }, { tasks }] = await Promise.all([
      this.#call("containers.v1.Containers/List", namespace, { filters: [] }),
      this.#call("tasks.v1.Tasks/List", namespace, {}),
    ]);
    const byId = new Map(tasks.map((task) => [task.id, task]));
    return containers.map((container) => this.#toFound(namespace, container, byId.get(container.id)));
  }

  /** @throws RUNTIME_UNAVAILABLE */
  readonly #call: Api["call"] = async (name, namespace, request) => {
    try {
      return await this.#api.call(name, namespace, request);
    } catch (cause) {
      throw toRuntimeError(cause);
    }
  };

  #toFound(namespace: string, container: Container, task: Task | undefined): Found {
    const name = nameOf(namespace, container.id, container.labels);
    const target: Target = Object.freeze({
      id: `${this.#runtime}:${name}`,
      runtime: this.#runtime,
      name,
      immutableId: `${namespace}/${container.id}`,
      state: stateOf(task),
      labels: Object.freeze({ ...container.labels }),
    });
    return { namespace, container, task, target };
  }
}

/** @throws TARGET_NOT_RUNNING for a container in which nothing can be started */
export function requireRunning({ target }: Found): void {
  if (target.state === "running") return;
  const hint = target.state === "paused" || target.state === "pausing" ? "resume it first" : "start it first";
  throw new ExecgateError("TARGET_NOT_RUNNING", `${target.id} is ${target.state}; ${hint}.`, { state: target.state });
}

/** Of several by one name the one that runs is meant: a pod's container that was restarted leaves others behind. */
function one(id: string, reference: Reference, all: readonly Found[]): Found {
  const running = all.filter(({ target }) => target.state === "running");
  const candidates = reference.kind === "pod" && running.length > 0 ? running : all;
  const [first] = candidates;
  if (first === undefined) throw missing(id);
  if (candidates.length === 1) return first;
  if (reference.kind === "pod" && running.length === 0) return first;
  throw new ExecgateError("TARGET_AMBIGUOUS", `${candidates.length} containers go by ${JSON.stringify(id)}; give more of the id.`);
}

function stateOf(task: Task | undefined): string {
  return task === undefined ? "stopped" : task.status.toLowerCase();
}

function missing(id: string, more = ""): ExecgateError {
  return new ExecgateError("TARGET_NOT_FOUND", `There is no target ${JSON.stringify(id)}${more}.`);
}

function orUndefined(cause: unknown): undefined {
  if (cause instanceof ApiError && cause.isMissing) return undefined;
  throw toRuntimeError(cause);
}
