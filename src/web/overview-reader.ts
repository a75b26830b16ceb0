import { type Api, Refusal } from "./api.ts";
import { type Counts, readCounts, sampleOf, samplesMax } from "./overview.ts";
import { homeTab, type ProbeRow, type RecordingRow, type SessionRow, type State, type TargetRow } from "./page-state.ts";
import type { Store } from "./store.ts";

/** How often the overview is read while it is seen, milliseconds. */
const everyMs = 2000;
/** Rows that the overview shows of a list. */
const rowsMax = 200;

interface SessionPage {
  readonly sessions: readonly SessionRow[];
  readonly continue?: string;
}

/** Reads what the overview shows, as long as it is in front and the page is seen. */
export class OverviewReader {
  readonly #store: Store<State>;
  readonly #api: Api;
  #counts: Counts | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isSeen = false;
  /** Which of the times that it is in front; what was begun in an earlier one does not go on. */
  #turn = 0;

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
    type Answer = { readonly targets: readonly TargetRow[]; readonly unavailable?: readonly string[] };
    const { targets, unavailable = [] } = await this.#api.get<Answer>("v1/targets?limit=1000");
    this.#store.update(() => ({ targets, unavailable }));
  }

  #follow({ active }: State): void {
    const isSeen = active === homeTab && document.visibilityState === "visible";
    if (isSeen === this.#isSeen) return;
    this.#isSeen = isSeen;
    clearTimeout(this.#timer);
    if (isSeen) void this.#readOn(++this.#turn);
    else this.#counts = undefined;
  }

  /** One reading after the other: on a slow network they would pile up, and what is opened would wait behind them. */
  async #readOn(turn: number): Promise<void> {
    await this.refresh();
    if (this.#isSeen && turn === this.#turn) this.#timer = setTimeout(() => void this.#readOn(turn), everyMs);
  }

  async #readSessions(): Promise<void> {
    const sessions: SessionRow[] = [];
    // The oldest come first, so that what was begun last stands on the last page.
    for (let after: string | undefined = ""; after !== undefined; ) {
      const from: string = after === "" ? "" : `&continue=${encodeURIComponent(after)}`;
      const page = await this.#api.get<SessionPage>(`v1/sessions?limit=1000${from}`);
      sessions.push(...page.sessions);
      after = page.continue;
    }
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
