import { setTimeout as delay } from "node:timers/promises";
import { type KubernetesObject, Watch } from "@kubernetes/client-node";
import { follow, LostPlace } from "./api.ts";
import type { Cluster } from "./cluster.ts";

/** What an informer is told by. */
type Told = Parameters<Watch["watch"]>[2];
type Query = Parameters<Watch["watch"]>[1];

export interface WatchOptions {
  /** How long the server is asked to tell what changes: of one that has gone silent nobody knows for so long. Default: 60 000 ms */
  readonly watchMs: number;
  /** The time from one question for what changes to the next, at the least. Default: 1000 ms */
  readonly watchPauseMs: number;
}

interface Followed<T extends KubernetesObject> extends WatchOptions {
  /** What is kept of an object; undefined for one that says nothing. */
  read(json: unknown): T | undefined;
  /** Called when the server has begun to tell. */
  begun(): void;
}

/**
 * The library's `Watch`, asked in the gateway's own way: the library's follows redirects with the credentials, waits for
 * an answer without end, and takes lines of any length.
 */
export class BoundedWatch<T extends KubernetesObject> extends Watch {
  readonly #cluster: Cluster;
  readonly #followed: Followed<T>;
  #nextMs = 0;

  constructor(cluster: Cluster, followed: Followed<T>) {
    super(cluster.config);
    this.#cluster = cluster;
    this.#followed = followed;
  }

  /** @param done called at the end, with what ended it: what asks for a new list is told by the status code 410 */
  override async watch(path: string, query: Query, told: Told, done: (cause: unknown) => void): Promise<AbortController> {
    const leaving = new AbortController();
    this.#follow(path, query, told, leaving.signal).then(
      () => done(null),
      (cause: unknown) => {
        if (!leaving.signal.aborted) done(cause instanceof LostPlace ? { statusCode: 410 } : cause);
      },
    );
    return leaving;
  }

  async #follow(path: string, query: Query, told: Told, leaving: AbortSignal): Promise<void> {
    const { read, begun, watchMs, watchPauseMs } = this.#followed;
    await delay(Math.max(0, this.#nextMs - performance.now()), undefined, { signal: leaving, ref: false });
    this.#nextMs = performance.now() + watchPauseMs;
    const all = { ...query, watch: true, allowWatchBookmarks: true, timeoutSeconds: Math.ceil(watchMs / 1000) };
    const asked = new URLSearchParams(Object.entries(all).map(([key, value]) => [key, String(value)]));
    const overdue = AbortSignal.timeout(watchMs + this.#cluster.answerMs);
    try {
      for await (const event of follow(this.#cluster, `${path}?${asked}`, AbortSignal.any([leaving, overdue]), begun)) {
        const { type, object } = readEvent(event);
        // Whatever the error is, a new list is what helps.
        if (type === "ERROR") throw new LostPlace("The API server ended a watch with an error.");
        const kept = type === "BOOKMARK" ? object : read(object);
        if (kept !== undefined) told(type, kept);
      }
    } catch (cause) {
      // A server that does not end it in time is asked again: it then answers, or does not.
      if (!overdue.aborted) throw cause;
    }
  }
}

function readEvent(event: unknown): { readonly type: string; readonly object: unknown } {
  const { type, object } = (event ?? {}) as { readonly type?: unknown; readonly object?: unknown };
  return { type: String(type), object };
}
