import type { State } from "./page-state.ts";

const storageKey = "execgate.tabs";

/** A session that was open when the page was reloaded. */
export interface KeptTab {
  readonly session: string;
  readonly target: string;
  readonly role: "writer" | "viewer";
  /** The place in it that waits for the page, and the command for both. */
  readonly client?: string | undefined;
  readonly isInFront?: boolean;
}

let last = "";
/** A page that goes leaves its sessions, which is not to be taken for their end. */
let isLeaving = false;
addEventListener("pagehide", () => {
  isLeaving = true;
});

/** Remembers which sessions are open, for a reload of this tab of the browser. */
export function keepTabs({ tabs, active, isGuest }: State): void {
  if (isGuest || isLeaving) return;
  const kept = tabs.flatMap((tab): KeptTab[] => {
    if (tab.kind !== "terminal" || tab.session === undefined || tab.state === "ended") return [];
    return [{ session: tab.session, target: tab.target, role: tab.role, client: tab.client, isInFront: tab.id === active }];
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
