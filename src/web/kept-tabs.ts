import type { State } from "./page-state.ts";

const storageKey = "execgate.tabs";

/** A session that was open when the page was reloaded. */
export interface KeptTab {
  readonly session: string;
  readonly target: string;
  readonly role: "writer" | "viewer";
}

let last = "";

/** Remembers which sessions are open, for a reload of this tab of the browser. */
export function keepTabs({ tabs, isGuest }: State): void {
  if (isGuest) return;
  const kept = tabs.flatMap((tab): KeptTab[] => {
    if (tab.kind !== "terminal" || tab.session === undefined || tab.state === "ended") return [];
    return [{ session: tab.session, target: tab.target, role: tab.role }];
  });
  const text = JSON.stringify(kept);
  if (text === last) return;
  last = text;
  try {
    sessionStorage.setItem(storageKey, text);
  } catch {
    return;
  }
}

/** To be called before anything is kept anew. */
export function keptTabs(): readonly KeptTab[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}
