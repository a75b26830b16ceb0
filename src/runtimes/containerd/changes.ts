import type { Api, Envelope } from "./api.ts";

/** What changes which containers there are, what they are called, or whether they run. */
const topics = "^/(containers/|tasks/(create|start|delete|exit|paused|resumed)$)";

/** containerd does not say when it has begun to tell: what was asked for earlier may have changed unheard, milliseconds. */
const settleMs = 1000;

/** Hears from containerd when anything has become of a container, so that what was found out holds until then. */
export class Changes {
  readonly #api: Api;
  readonly #filters: readonly string[];
  #count = 0;
  /** When containerd was asked to tell; undefined while it does not. */
  #askedAt: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(api: Api, namespaces: readonly string[]) {
    this.#api = api;
    this.#filters = namespaces.map((namespace) => `namespace==${JSON.stringify(namespace)},topic~=${JSON.stringify(topics)}`);
  }

  /**
   * Differs when something may have changed in between; undefined while changes are not heard of. That nobody listens is
   * found out by whoever asks, and mended for the next.
   */
  get state(): number | undefined {
    if (this.#askedAt === undefined) this.#listen();
    return this.#askedAt !== undefined && performance.now() - this.#askedAt > settleMs ? this.#count : undefined;
  }

  close(): void {
    this.#cancel?.();
  }

  #listen(): void {
    this.#askedAt = performance.now();
    const isOver = (): void => {
      this.#askedAt = undefined;
      this.#count++;
    };
    const heard = (envelope: Envelope): void => {
      if (!isOfExec(envelope)) this.#count++;
    };
    this.#cancel = this.#api.subscribe(this.#filters, heard, isOver);
  }
}

/** The end of an exec changes nothing of its container, and comes as often as there are probes. */
function isOfExec({ topic, event }: Envelope): boolean {
  if (topic !== "/tasks/exit" || event === null) return false;
  const { value } = event;
  // A TaskExit begins with two texts that are shorter than 128 bytes: the container's id and that of what has ended.
  const [containerLength = 0, idAt] = [value[1], 4 + (value[1] ?? 0)];
  const containerId = value.subarray(2, 2 + containerLength);
  return !value.subarray(idAt, idAt + (value[idAt - 1] ?? 0)).equals(containerId);
}
