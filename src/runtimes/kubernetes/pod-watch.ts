import { type KubernetesObject, ListWatch } from "@kubernetes/client-node";
import { ExecgateError } from "../../errors.ts";
import type { Target } from "../../exec/runtime.ts";
import { get } from "./api.ts";
import { BoundedWatch, type WatchOptions } from "./bounded-watch.ts";
import type { Cluster } from "./cluster.ts";

/** A page this long takes some milliseconds to parse. */
const podsPerPage = 250;
/** Who has more pods is to say which namespaces are meant. */
const podsMax = 50_000;

/** What is kept of a pod. The library tells pods apart, and one state of a pod from another, by their metadata. */
export interface WatchedPod extends KubernetesObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string };
  readonly targets: readonly Target[];
}

/**
 * The containers of a collection of pods, as they are now: listed when somebody first asks, and followed from there on. The
 * library keeps the book. A watch that the server ends is asked for again at once; one that fails when somebody next wants
 * to know: from where it was, or by a new list when that is too long ago.
 */
export class PodWatch {
  readonly #cluster: Cluster;
  readonly #path: string;
  readonly #read: (json: unknown) => WatchedPod | undefined;
  readonly #informer: ListWatch<WatchedPod>;
  readonly #closing = new AbortController();
  #state: "idle" | "asking" | "current" | "failed" = "idle";
  /** Settles with the attempt that was made last. */
  #answer: Promise<void> = Promise.resolve();
  #answered!: () => void;
  #failed!: (why: unknown) => void;
  #pods = 0;
  #listed: readonly Target[] | undefined;

  /**
   * @param path of the collection
   * @param read what is kept of a pod; undefined for what is none
   */
  constructor(cluster: Cluster, path: string, read: (json: unknown) => WatchedPod | undefined, options: WatchOptions) {
    this.#cluster = cluster;
    this.#path = path;
    this.#read = read;
    const watch = new BoundedWatch(cluster, { read: (json) => this.#readFurther(json), begun: () => this.#begun(), ...options });
    this.#informer = new ListWatch(path, watch, () => this.#list(), false);
    this.#informer.on("connect", () => this.#asks());
    this.#informer.on("add", () => this.#changed(1));
    this.#informer.on("update", () => this.#changed(0));
    this.#informer.on("delete", () => this.#changed(-1));
    this.#informer.on("error", (why) => this.#fails(why));
  }

  /** Every container there is. @throws RUNTIME_UNAVAILABLE, OVERLOADED when that is not known now */
  async targets(): Promise<readonly Target[]> {
    this.#closing.signal.throwIfAborted();
    if (this.#state === "idle" || this.#state === "failed") void this.#informer.start();
    if (this.#state !== "current") await this.#answer;
    this.#listed ??= this.#informer.list().flatMap(({ targets }) => targets);
    return this.#listed;
  }

  close(): void {
    this.#closing.abort(new ExecgateError("RUNTIME_UNAVAILABLE", "The runtime is closed."));
    void this.#informer.stop();
    this.#fails(this.#closing.signal.reason);
  }

  #asks(): void {
    if (this.#state === "asking") return;
    this.#state = "asking";
    this.#answer = new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
    });
    // Who did not ask is not to be ended by a rejection that nobody handles.
    this.#answer.catch(() => undefined);
  }

  #begun(): void {
    this.#state = "current";
    this.#answered();
  }

  /** What ends while nothing is asked for, as a watch that is cut, is the answer all the same. */
  #fails(why: unknown): void {
    this.#asks();
    this.#state = "failed";
    this.#failed(why);
  }

  #changed(by: number): void {
    this.#pods += by;
    this.#listed = undefined;
  }

  /** All pods, page by page, and the version of the first page: what changes while the others are read is then told once more. */
  async #list(): Promise<{ items: WatchedPod[]; metadata: { resourceVersion?: string } }> {
    const items: WatchedPod[] = [];
    let version: string | undefined;
    for (let next: string | undefined = ""; next !== undefined; ) {
      const query = new URLSearchParams({ limit: String(podsPerPage), ...(next !== "" && { continue: next }) });
      const page = (await get(this.#cluster, `${this.#path}?${query}`, this.#closing.signal)) as PodList;
      version ??= page.metadata?.resourceVersion;
      items.push(...(page.items ?? []).flatMap((item) => this.#read(item) ?? []));
      if (items.length > podsMax) throw tooMany();
      next = page.metadata?.continue || undefined;
    }
    return { items, metadata: version === undefined ? {} : { resourceVersion: version } };
  }

  /** @throws OVERLOADED for one pod too many */
  #readFurther(json: unknown): WatchedPod | undefined {
    const pod = this.#read(json);
    if (pod === undefined || this.#pods < podsMax || this.#informer.get(pod.metadata.name, pod.metadata.namespace)) return pod;
    throw tooMany();
  }
}

interface PodList {
  readonly items?: readonly unknown[];
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
}

function tooMany(): ExecgateError {
  return new ExecgateError("OVERLOADED", `There are over ${podsMax} pods; name the namespaces that are meant.`);
}
