import { createApi, Refusal } from "./api.ts";
import { Asking } from "./asking.ts";
import { createActions, typed } from "./create-actions.ts";
import { draw } from "./draw.ts";
import { type KeptTab, keptTabs } from "./kept-tabs.ts";
import { OverviewReader } from "./overview-reader.ts";
import { homeTab, type State } from "./page-state.ts";
import { onSystemTheme, readSettings } from "./settings.ts";
import { Shares } from "./shares.ts";
import { listenForShortcuts } from "./shortcuts.ts";
import { createStore, type Store } from "./store.ts";
import { Tabs } from "./tabs.ts";
import { takeFragment } from "./token.ts";
import type { Actions } from "./views/actions.ts";

/** How long a session of the page outlives it: to come back to after a break, milliseconds. */
const keepMsWanted = 3_600_000;

const initial: State = {
  tabs: [],
  active: "",
  dialog: undefined,
  tokenAsked: undefined,
  settings: readSettings(),
  isGuest: false,
  subject: undefined,
  targets: undefined,
  unavailable: [],
  sessions: undefined,
  recordings: undefined,
  probes: undefined,
  samples: [],
  shares: {},
  filter: "",
  isCtrlHeld: false,
  trouble: undefined,
};

interface Info {
  readonly principal: { readonly subject: string };
  readonly limits: { readonly keepMsMax: number };
}

/** Puts the page together, and opens what its address asks for, or what was open before a reload. */
function start(): void {
  const kept = keptTabs();
  const fragment = takeFragment();
  const base = document.baseURI;
  const store = createStore(initial);
  const asking = new Asking(store);
  const api = createApi(base, asking);
  const tabs = new Tabs({ store, api, base, mapInput: (text) => typed(store, text) });
  const overview = new OverviewReader(store, api);
  let info: Promise<Info> | undefined;
  const keepMs = async (): Promise<number> => {
    info ??= api.get<Info>("v1/info");
    const { limits, principal } = await info.catch((cause: unknown) => {
      info = undefined;
      throw cause;
    });
    store.update(() => ({ subject: principal.subject }));
    return Math.min(keepMsWanted, limits.keepMsMax);
  };
  const actions = createActions({ store, api, tabs, shares: new Shares(store, api), overview, asking, keepMs });
  store.onChange((state) => draw(state, actions));
  onSystemTheme(() => tabs.applySettings());
  listenForShortcuts(() => store.state, tabs, actions);
  const open = async (target: string, reason: string | undefined): Promise<void> =>
    tabs.openTerminal({ kind: "exec", target, reason, keepMs: await keepMs() }, target);
  addEventListener("hashchange", () => {
    const next = takeFragment();
    // A link that is opened in this tab changes nothing but the fragment, and may be for somebody else.
    if (next.token !== undefined || next.share !== undefined) location.reload();
    else if (next.target !== undefined && fragment.share === undefined) void open(next.target, next.reason);
  });
  if (fragment.share !== undefined) {
    watch(fragment.share, store, tabs);
    return;
  }
  const isReload = performance.getEntriesByType("navigation").some((entry) => (entry as PerformanceNavigationTiming).type === "reload");
  const isAsked = kept.length === 0 || (fragment.target !== undefined && !isReload);
  reopen(kept, store, tabs, actions)
    .then(() => (isAsked ? open(fragment.target ?? "host", fragment.reason) : undefined))
    .catch((cause: unknown) => {
      if (!(cause instanceof Refusal)) throw cause;
      // The overview tells what is wrong, and when it is not any more.
      tabs.show(homeTab);
    });
}

/** Opens again what was open, and brings to the front what was there. */
async function reopen(kept: readonly KeptTab[], store: Store<State>, tabs: Tabs, actions: Actions): Promise<void> {
  await Promise.all(kept.map(({ session, target, role, client }) => actions.attach(session, role, target, client)));
  if (kept.length > 0) tabs.show(store.state.tabs[kept.findIndex(({ isInFront }) => isInFront)]?.id ?? homeTab);
}

/** Shows what a link is for, and nothing else. */
function watch(share: string, store: Store<State>, tabs: Tabs): void {
  const [session = "", secret = ""] = share.split(".");
  store.update(() => ({ isGuest: true }));
  tabs.openTerminal({ kind: "share", session, secret }, "shared");
}

start();
