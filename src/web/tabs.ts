import type { Api } from "./api.ts";
import { keepTabs } from "./kept-tabs.ts";
import { isViewer, type Wanted } from "./link.ts";
import { homeTab, type RecordingRow, type RecordingTab, type State, type Tab, type TerminalTab } from "./page-state.ts";
import type { Panel } from "./panel.ts";
import type { Store } from "./store.ts";
import { TerminalPanel } from "./terminal-panel.ts";

export interface TabsDeps {
  readonly store: Store<State>;
  readonly api: Api;
  readonly base: string;
  /** What is typed into a terminal, before it is sent. */
  mapInput(text: string): string;
}

/** The tabs and what stands behind them: opens, shows and closes. */
export class Tabs {
  readonly #deps: TabsDeps;
  readonly #panels = new Map<string, Panel>();
  #count = 0;

  constructor(deps: TabsDeps) {
    this.#deps = deps;
    deps.store.onChange((state) => keepTabs(state));
  }

  /** The terminal in front. */
  get terminal(): TerminalPanel | undefined {
    return this.terminalOf(this.#deps.store.state.active);
  }

  terminalOf(id: string): TerminalPanel | undefined {
    const panel = this.#panels.get(id);
    return panel instanceof TerminalPanel ? panel : undefined;
  }

  openTerminal(wanted: Wanted, target: string): void {
    const id = this.#newId();
    const role = isViewer(wanted) ? "viewer" : "writer";
    const session = wanted.kind === "exec" ? undefined : wanted.session;
    this.#add({
      kind: "terminal",
      id,
      target,
      role,
      session,
      client: undefined,
      state: "connecting",
      words: "connecting…",
      size: { cols: 0, rows: 0 },
      clients: [],
      isRecorded: false,
      hasNews: false,
      copyAsked: undefined,
      reasonAsked: undefined,
      find: undefined,
    });
    const { api, base, store, mapInput } = this.#deps;
    const patch = (change: Partial<TerminalTab>): void => this.#patch<TerminalTab>(id, change);
    const panel = new TerminalPanel({ id, wanted, target, api, base, settings: store.state.settings, mapInput, patch });
    this.#panels.set(id, panel);
    this.show(id);
    void panel.run();
  }

  async openRecording({ id: recording, target }: Pick<RecordingRow, "id" | "target">): Promise<void> {
    const open = this.#deps.store.state.tabs.find((tab) => tab.kind === "recording" && tab.recording === recording);
    if (open !== undefined) {
      this.show(open.id);
      return;
    }
    const { PlaybackPanel } = await import("./playback/playback-panel.ts");
    const id = this.#newId();
    const size = { cols: 80, rows: 24 };
    const start = { state: "loading", words: "loading…", position: 0, duration: 0, speed: 1 } as const;
    this.#add({ kind: "recording", id, recording, target, size, ...start });
    const { api, store } = this.#deps;
    const patch = (change: Partial<RecordingTab>): void => this.#patch<RecordingTab>(id, change);
    const panel = new PlaybackPanel({ id, recording, api, settings: store.state.settings, patch });
    this.#panels.set(id, panel);
    this.show(id);
    void panel.load();
  }

  /** @returns what the view of a recording's tab acts on */
  panelOf(id: string): Panel | undefined {
    return this.#panels.get(id);
  }

  /** Brings a tab, or the overview, to the front. */
  show(id: string): void {
    this.#deps.store.update(() => ({ active: id }));
    this.#deps.store.flush();
    for (const [key, panel] of this.#panels) panel.show(key === id);
    this.#panels.get(id)?.focus();
  }

  /** Goes to the next tab, or to the one before, round and round. */
  step(by: 1 | -1): void {
    const { tabs, active } = this.#deps.store.state;
    const ids = [homeTab, ...tabs.map(({ id }) => id)];
    this.show(ids[(ids.indexOf(active) + by + ids.length) % ids.length] ?? homeTab);
  }

  /** A session of one's own that lives is not closed by the way: what becomes of it is asked. */
  askToClose(id: string): void {
    const tab = this.#deps.store.state.tabs.find((candidate) => candidate.id === id);
    const isOwnLive = tab?.kind === "terminal" && tab.role === "writer" && (tab.state === "connected" || tab.state === "reconnecting");
    if (isOwnLive) this.#deps.store.update(() => ({ dialog: { kind: "closing", tab: id } }));
    else this.close(id);
  }

  close(id: string): void {
    const { tabs, active } = this.#deps.store.state;
    const at = tabs.findIndex((tab) => tab.id === id);
    const rest = tabs.filter((tab) => tab.id !== id);
    this.#deps.store.update(() => ({ tabs: rest }));
    this.#panels.get(id)?.close();
    this.#panels.delete(id);
    if (active === id) this.show((rest[at] ?? rest[at - 1])?.id ?? homeTab);
  }

  applySettings(): void {
    for (const panel of this.#panels.values()) panel.apply(this.#deps.store.state.settings);
  }

  #newId(): string {
    return `tab${++this.#count}`;
  }

  #add(tab: Tab): void {
    this.#deps.store.update(({ tabs }) => ({ tabs: [...tabs, tab], active: tab.id }));
    this.#deps.store.flush();
  }

  #patch<Kind extends Tab>(id: string, change: Partial<Kind>): void {
    this.#deps.store.update(({ tabs }) => ({ tabs: tabs.map((tab) => (tab.id === id ? { ...tab, ...change } : tab)) }));
  }
}
