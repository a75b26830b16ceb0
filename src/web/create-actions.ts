import { type Api, Refusal } from "./api.ts";
import type { Asking } from "./asking.ts";
import { type ExtraKey, sequenceOf, withCtrl } from "./keys.ts";
import type { OverviewReader } from "./overview-reader.ts";
import { activeTerminal, type State } from "./page-state.ts";
import { keepSettings } from "./settings.ts";
import type { Shares } from "./shares.ts";
import type { Store } from "./store.ts";
import type { Tabs } from "./tabs.ts";
import { copyText } from "./terminal/clipboard.ts";
import { forgetToken } from "./token.ts";
import type { Actions, PlayerActions } from "./views/actions.ts";

export interface ActionsDeps {
  readonly store: Store<State>;
  readonly api: Api;
  readonly tabs: Tabs;
  readonly shares: Shares;
  readonly overview: OverviewReader;
  readonly asking: Asking;
  /** How long the sessions of the page outlive it, milliseconds. */
  keepMs(): Promise<number>;
}

/** What the views can do, on the parts that do it. */
export function createActions(deps: ActionsDeps): Actions {
  return { ...tabActions(deps), ...sessionActions(deps), ...terminalActions(deps), ...pageActions(deps) };
}

function tabActions({ store, api, tabs, overview, keepMs }: ActionsDeps) {
  return {
    show: (id) => tabs.show(id),
    close: (id) => tabs.askToClose(id),
    async closeAnd(id, what) {
      const tab = store.state.tabs.find((candidate) => candidate.id === id);
      store.update(() => ({ dialog: undefined }));
      tabs.close(id);
      if (what === "end" && tab?.kind === "terminal" && tab.session !== undefined) await remove(api, overview, tab.session);
    },
    async open(target) {
      store.update(() => ({ dialog: undefined }));
      tabs.openTerminal({ kind: "exec", target, keepMs: await keepMs() }, target);
    },
    async attach(session, role, target, client) {
      tabs.openTerminal({ kind: "attach", session, role, client, keepMs: await keepMs() }, target);
    },
    play: (recording) => void tabs.openRecording(recording),
    player: (id) => tabs.panelOf(id) as (PlayerActions & object) | undefined,
  } satisfies Partial<Actions>;
}

function sessionActions({ store, api, shares, overview }: ActionsDeps) {
  return {
    end: (session) => void remove(api, overview, session),
    openShare() {
      const tab = store.state.active;
      store.update(() => ({ dialog: { kind: "share", tab, failure: undefined, copied: undefined } }));
    },
    share: (session, expiresMs) => void shares.create(session, expiresMs),
    revoke: (session, share) => void shares.revoke(session, share),
    copyShare: (share) => void shares.copy(share),
  } satisfies Partial<Actions>;
}

/** Ends a session; one that has ended by itself meanwhile is as good. */
async function remove(api: Api, overview: OverviewReader, session: string): Promise<void> {
  await api.remove(`v1/sessions/${session}`).catch((cause: unknown) => {
    if (!(cause instanceof Refusal)) throw cause;
  });
  await overview.refresh();
}

function terminalActions({ store, tabs }: ActionsDeps) {
  const patch = (change: { copyAsked: undefined }): void =>
    store.update(({ tabs: all, active }) => ({
      tabs: all.map((tab) => (tab.id === active && tab.kind === "terminal" ? { ...tab, ...change } : tab)),
    }));
  return {
    again: (reason) => tabs.terminal?.again(reason),
    async answerCopy(isWanted) {
      const text = activeTerminal(store.state)?.copyAsked;
      if (isWanted && text !== undefined) await copyText(text);
      patch({ copyAsked: undefined });
      tabs.terminal?.focus();
    },
    find: (text, options) => tabs.terminal?.find(text, options),
    toggleFind(isOpen) {
      if (isOpen) tabs.terminal?.find("");
      else tabs.terminal?.closeFind();
    },
    key(name) {
      const { terminal } = tabs.terminal ?? {};
      if (name === "Ctrl") store.update(({ isCtrlHeld }) => ({ isCtrlHeld: !isCtrlHeld }));
      else terminal?.type(typed(store, sequenceOf(name as Exclude<ExtraKey, "Ctrl">, terminal.isApplicationKeys)));
    },
  } satisfies Partial<Actions>;
}

/** What is typed while the Ctrl of the row of keys is held, for one key. */
export function typed(store: Store<State>, text: string): string {
  if (!store.state.isCtrlHeld) return text;
  store.update(() => ({ isCtrlHeld: false }));
  return withCtrl(text);
}

function pageActions({ store, tabs, overview, asking }: ActionsDeps) {
  return {
    set: (change) => store.update(() => change),
    openTargets() {
      store.update(() => ({ dialog: { kind: "targets", filter: "", at: 0 } }));
      void overview.readTargets().catch(() => undefined);
    },
    closeDialog() {
      if (store.state.dialog === undefined) return;
      store.update(() => ({ dialog: undefined }));
      tabs.terminal?.focus();
    },
    settings(change) {
      store.update(({ settings }) => ({ settings: { ...settings, ...change } }));
      keepSettings(store.state.settings);
      tabs.applySettings();
    },
    giveToken: (token) => asking.take(token),
    forgetToken() {
      forgetToken();
      location.reload();
    },
  } satisfies Partial<Actions>;
}
