import { setTimeout as delay } from "node:timers/promises";
import { type KubernetesObject, Watch } from "@kubernetes/client-node";
import { ExecgateError } from "../../errors.ts";
import { follow } from "./api.ts";
import type { Cluster } from "./cluster.ts";

/** How long the server is asked to tell what changes. Of one that has gone silent nobody knows for longer, and to ask again costs one request. */
const watchSeconds = 60;
/** What the server may take beyond that. */
const graceMs = 10_000;

/** What an informer is told by. */
type Told = Parameters<Watch["watch"]>[2];
type Query = Parameters<Watch["watch"]>[1];

export interface BoundedWatchOptions<T extends KubernetesObject> {
  /** What is kept of an object; undefined for one that says nothing. */
  read(json: unknown): T | undefined;
  /** Called when the server has begun to tell. */
  begun(): void;
  /** The time from one question to the next, at the least. */
  readonly pauseMs: number;
}

/**
 * The library's `Watch`, asked in the gateway's own way: the library's follows redirects with the credentials, waits for
 * an answer without end, and takes lines of any length.
 */
export class BoundedWatch<T extends KubernetesObject> extends Watch {
  readonly #cluster: Cluster;
  readonly #options: BoundedWatchOptions<T>;
  #nextMs = 0;

  constructor(cluster: Cluster, options: BoundedWatchOptions<T>) {
    super(cluster.config);
    this.#cluster = cluster;
    this.#options = options;
  }

  /** @param done called at the end, with what ended it: what asks for a new list is told by the status code 410 */
  override async watch(path: string, query: Query, told: Told, done: (cause: unknown) => void): Promise<AbortController> {
    const leaving = new AbortController();
    this.#follow(path, query, told, leaving.signal).then(
      () => done(null),
      (cause: unknown) => {
        if (!leaving.signal.aborted) done(isGone(cause) ? { statusCode: 410 } : cause);
      },
    );
    return leaving;
  }

  async #follow(path: string, query: Query, told: Told, leaving: AbortSignal): Promise<void> {
    const { read, begun, pauseMs } = this.#options;
    await delay(Math.max(0, this.#nextMs - performance.now()), undefined, { signal: leaving, ref: false });
    this.#nextMs = performance.now() + pauseMs;
    const all = { ...query, watch: true, allowWatchBookmarks: true, timeoutSeconds: watchSeconds };
    const asked = new URLSearchParams(Object.entries(all).map(([key, value]) => [key, String(value)]));
    const signal = AbortSignal.any([leaving, AbortSignal.timeout(watchSeconds * 1000 + graceMs)]);
    for await (const event of follow(this.#cluster, `${path}?${asked}`, signal, begun)) {
      const { type, object } = event as { readonly type?: unknown; readonly object?: { readonly message?: unknown } };
      // Whatever the error is, a new list is what helps.
      if (type === "ERROR") throw new ExecgateError("OUTPUT_GONE", `The API server ended a watch: ${object?.message}.`);
      const kept = type === "BOOKMARK" ? object : read(object);
      if (kept !== undefined) told(String(type), kept);
    }
  }
}

function isGone(cause: unknown): boolean {
  return cause instanceof ExecgateError && cause.code === "OUTPUT_GONE";
}
