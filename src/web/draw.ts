import { render } from "lit-html";
import { activeTerminal, homeTab, type State } from "./page-state.ts";
import type { Actions } from "./views/actions.ts";
import { dialog } from "./views/dialogs.ts";
import { home } from "./views/home.ts";
import { over } from "./views/over.ts";
import { statusBar } from "./views/status-bar.ts";
import { topBar } from "./views/top-bar.ts";

/** The parts of index.html that are drawn. */
const places = {
  top: find("top"),
  home: find("home"),
  panels: find("panels"),
  over: find("over"),
  bottom: find("bottom"),
  dialogs: find("dialogs"),
};

/** Draws the page as the state has it. The terminals draw themselves. */
export function draw(state: State, actions: Actions): void {
  const { settings, active, tokenAsked } = state;
  document.documentElement.dataset.theme = settings.theme;
  render(topBar(state, actions), places.top);
  places.home.hidden = active !== homeTab || tokenAsked !== undefined;
  places.panels.hidden = tokenAsked !== undefined || active === homeTab;
  render(places.home.hidden ? "" : home(state, actions), places.home);
  render(over(state, actions), places.over);
  render(statusBar(state, actions), places.bottom);
  render(dialog(state, actions), places.dialogs);
  openDialog(places.dialogs.querySelector("dialog"));
  focusWhatIsNew(places.over);
  sayState(state);
}

function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no element ${id}`);
  return element;
}

function openDialog(element: HTMLDialogElement | null): void {
  if (element !== null && !element.open) element.showModal();
}

let focused: Element | null = null;

/** A question that has just appeared gets the focus; one that is still there does not get it again. */
function focusWhatIsNew(place: HTMLElement): void {
  const input = place.querySelector("input");
  if (input === focused) return;
  focused = input;
  input?.focus();
}

const icons = { calm: "favicon.svg", busy: "favicon-busy.svg", over: "favicon-over.svg" } as const;

/** The tab of the browser says how the terminal in front is. */
function sayState(state: State): void {
  const tab = state.tabs.find(({ id }) => id === state.active);
  const terminal = activeTerminal(state);
  const isWaiting = terminal?.state === "reconnecting" || terminal?.state === "connecting";
  const news = state.tabs.some((one) => one.kind === "terminal" && one.hasNews) ? "• " : "";
  const said = terminal === undefined || terminal.state === "connected" ? "" : `${terminal.state}: `;
  document.title = tab === undefined ? `${news}execgate` : `${news}${said}${tab.target} · execgate`;
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const href = icons[isWaiting ? "busy" : terminal?.state === "ended" ? "over" : "calm"];
  if (link !== null && link.getAttribute("href") !== href) link.href = href;
}
