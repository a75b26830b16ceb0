import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Signal, Size } from "../../exec/runtime.ts";
import type { Any, Api, ExecId } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { toRuntimeError } from "./failure.ts";
import type { ExecPlace, Fifos } from "./fifos.ts";

/** How long a daemon may be away before the exit of a command counts as lost, milliseconds: who waits is told within 5 s. */
const awayMsMax = 4000;

/** How long a deletion is tried again: first soon, then seldom, as a paused container lets nothing end. */
const deletePausesMs = { first: 20, most: 5000 };

/** The reason of every wait that is given up, made once: an error for each, with its stack, would take longer than the rest of the end. */
const released = new Error("The exec was released.");

/** One exec process of containerd: the calls that are made about it. */
export class Exec {
  readonly place: ExecPlace;
  readonly #api: Api;
  readonly #id: ExecId;
  readonly #waiting = new AbortController();

  constructor(api: Api, place: ExecPlace) {
    this.#api = api;
    this.place = place;
    this.#id = { containerId: place.containerId, execId: place.execId };
  }

  async create(fifos: Fifos, terminal: boolean, spec: Any, msMax: number): Promise<void> {
    const { stdin, stdout, stderr } = fifos;
    await this.#api.call("tasks.v1.Tasks/Exec", this.place.namespace, { ...this.#id, stdin, stdout, stderr, terminal, spec }, { msMax });
  }

  /** Returns the pid as containerd sees it. */
  async start(msMax: number): Promise<number> {
    return (await this.#api.call("tasks.v1.Tasks/Start", this.place.namespace, this.#id, { msMax })).pid;
  }

  /**
   * Settles with the status of the command when it has ended. What runs it outlives the daemon and remembers the exit, so that it is asked for again when the
   * daemon is back.
   * @throws RUNTIME_UNAVAILABLE when the exit will not be known
   */
  async status(): Promise<number> {
    const { signal } = this.#waiting;
    for (let awaySince: number | undefined; ; await delay(100)) {
      const askedAt = performance.now();
      try {
        return (await this.#api.call("tasks.v1.Tasks/Wait", this.place.namespace, this.#id, { msMax: 0, signal })).exitStatus;
      } catch (cause) {
        const now = performance.now();
        // Who was asked for longer than it takes to be refused was there.
        if (now - askedAt > 1000) awaySince = undefined;
        awaySince ??= now;
        const isAway = cause instanceof ApiError && cause.isUnanswered;
        if (!isAway || now - awaySince > awayMsMax) throw toRuntimeError(cause);
      }
    }
  }

  /** Waits for the exit no longer. */
  forget(): void {
    this.#waiting.abort(released);
  }

  /** To the command alone; one that has ended takes none. */
  async kill(name: Signal): Promise<void> {
    const signal = constants.signals[name];
    await this.#api.call("tasks.v1.Tasks/Kill", this.place.namespace, { ...this.#id, signal }).catch(ignoreOver);
  }

  async resize({ cols, rows }: Size): Promise<void> {
    await this.#api.call("tasks.v1.Tasks/ResizePty", this.place.namespace, { ...this.#id, width: cols, height: rows }).catch(ignoreOver);
  }

  /** Lets stdin be at its end when everybody else has closed it. A daemon that is away is told when it is back. */
  async closeInput(): Promise<void> {
    const { signal } = this.#waiting;
    const isAway = (cause: unknown): boolean => cause instanceof ApiError && cause.isUnanswered;
    const tell = () => this.#api.call("tasks.v1.Tasks/CloseIO", this.place.namespace, { ...this.#id, stdin: true }, { signal });
    while (!signal.aborted && (await tell().then(() => false, isAway))) await delay(100);
  }

  /** Ends the command and lets containerd forget it, however long that takes. False when `signal` aborted before. */
  async delete(signal: AbortSignal): Promise<boolean> {
    let pauseMs = deletePausesMs.first;
    while (!(await this.#tryToDelete())) {
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return false;
      pauseMs = Math.min(pauseMs * 2, deletePausesMs.most);
    }
    return true;
  }

  async #tryToDelete(): Promise<boolean> {
    try {
      await this.#api.call("tasks.v1.Tasks/DeleteProcess", this.place.namespace, this.#id);
      return true;
    } catch (cause) {
      if (cause instanceof ApiError && cause.isMissing) return true;
      await this.kill("SIGKILL").catch(() => {});
      return false;
    }
  }
}

/** What is over takes no calls, and needs none. */
function ignoreOver(cause: unknown): void {
  if (!(cause instanceof ApiError) || cause.isUnanswered) throw toRuntimeError(cause);
}
