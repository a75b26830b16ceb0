import { activeTerminal, homeTab, type State } from "./page-state.ts";
import type { Tabs } from "./tabs.ts";
import { copyText } from "./terminal/clipboard.ts";
import type { Actions } from "./views/actions.ts";

/** Listens for the keys of the page before the terminal does, which takes every key, Tab too. */
export function listenForShortcuts(stateNow: () => State, tabs: Tabs, actions: Actions): void {
  const acts: Readonly<Record<string, () => void>> = {
    KeyO: () => actions.openTargets(),
    KeyF: () => actions.toggleFind(activeTerminal(stateNow())?.find === undefined),
    KeyX: () => actions.close(stateNow().active),
    KeyH: () => actions.show(homeTab),
    ArrowLeft: () => tabs.step(-1),
    ArrowRight: () => tabs.step(1),
    KeyC: () => {
      const selection = tabs.terminal?.terminal.selection ?? "";
      // Nothing is not to take the place of what is in the clipboard.
      if (selection !== "") void copyText(selection);
    },
  };
  const keydown = (event: KeyboardEvent): void => {
    const act = (event.ctrlKey || event.metaKey) && event.shiftKey && !event.altKey ? acts[event.code] : undefined;
    if (event.key === "F6" && event.ctrlKey) leaveTerminal(stateNow().active);
    else if (act !== undefined && stateNow().dialog === undefined && !stateNow().isGuest) act();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("keydown", keydown, { capture: true });
}

/** To what is asked, or else to the tab itself, from where Tab goes on. Behind the terminal, which keeps Tab, nobody would get by it. */
function leaveTerminal(active: string): void {
  const asked = document.querySelector<HTMLElement>("[role=alertdialog] button");
  const tab = document.querySelector<HTMLElement>(active === homeTab ? "#overview" : "[data-active] .tab-name");
  (asked ?? tab)?.focus();
}
