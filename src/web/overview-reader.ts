import { type Api, Refusal } from "./api.ts";
import { type Counts, readCounts, sampleOf, samplesMax } from "./overview.ts";
import { homeTab, type ProbeRow, type RecordingRow, type SessionRow, type State, type TargetRow } from "./page-state.ts";
import type { Store } from "./store.ts";

/** How often the overview is read while it is seen, milliseconds. */
const everyMs = 2000;
/** Rows that the overview shows of a list. */
const rowsMax = 200;

/** Reads what the overview shows, as long as it is in front and the page is seen. */
export class OverviewReader {
  readonly #store: Store<State>;
  readonly #api: Api;
  #counts: Counts | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(store: Store<State>, api: Api) {
    this.#store = store;
    this.#api = api;
    store.onChange((state) => this.#follow(state));
    document.addEventListener("visibilitychange", () => this.#follow(store.state));
  }

  /** Reads now, because something was changed. */
  async refresh(): Promise<void> {
    try {
      await Promise.all([this.#readSessions(), this.#readRecordings(), this.readTargets(), this.#readProbes(), this.#readMetrics()]);
      if (this.#store.state.trouble !== undefined) this.#store.update(() => ({ trouble: undefined }));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      this.#store.update(() => ({ trouble: cause.message }));
    }
  }

  async readTargets(): Promise<void> {
    const { targets } = await this.#api.get<{ targets: TargetRow[] }>("v1/targets?limit=1000");
    this.#store.update(() => ({ targets }));
  }

  #follow({ active }: State): void {
    const isSeen = active === homeTab && document.visibilityState === "visible";
    if (isSeen === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = isSeen ? setInterval(() => void this.refresh(), everyMs) : undefined;
    if (isSeen) void this.refresh();
    else this.#counts = undefined;
  }

  async #readSessions(): Promise<void> {
    const { sessions } = await this.#api.get<{ sessions: SessionRow[] }>("v1/sessions?limit=1000");
    const newestFirst = sessions.filter(({ mode, state }) => mode === "interactive" || state !== "ended").reverse();
    this.#store.update(() => ({ sessions: newestFirst.slice(0, rowsMax) }));
  }

  async #readRecordings(): Promise<void> {
    const { recordings } = await this.#api.get<{ recordings: RecordingRow[] }>("v1/recordings?limit=50");
    this.#store.update(() => ({ recordings }));
  }

  /** A gateway without probes has no such path, or an empty list. */
  async #readProbes(): Promise<void> {
    const { probes } = await this.#api.get<{ probes: ProbeRow[] }>("v1/probes").catch((cause: unknown) => {
      if (cause instanceof Refusal && cause.status === 404) return { probes: [] };
      throw cause;
    });
    this.#store.update(() => ({ probes }));
  }

  async #readMetrics(): Promise<void> {
    const counts = readCounts(await this.#api.text("metrics"), performance.now() / 1000);
    const before = this.#counts;
    this.#counts = counts;
    if (before === undefined) return;
    const sample = sampleOf(before, counts);
    this.#store.update(({ samples }) => ({ samples: [...samples, sample].slice(-samplesMax) }));
  }
}
