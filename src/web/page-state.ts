import type { ClientView } from "../wire/codec.ts";
import type { Sample } from "./overview.ts";
import type { Settings } from "./settings.ts";
import type { Found } from "./terminal/finder.ts";
import type { Size } from "./terminal/terminal.ts";

export type TabState = "connecting" | "connected" | "reconnecting" | "ended";

/** A terminal that is open in the page: a session of one's own, one of somebody else, or one that is only watched. */
export interface TerminalTab {
  readonly kind: "terminal";
  readonly id: string;
  readonly target: string;
  readonly state: TabState;
  /** The state, for people. */
  readonly words: string;
  readonly size: Size;
  /** Undefined before it stands. */
  readonly session: string | undefined;
  /** The name of this page's place in it. */
  readonly client: string | undefined;
  readonly role: "writer" | "viewer";
  /** Everybody who is attached, this page too. */
  readonly clients: readonly ClientView[];
  readonly isRecorded: boolean;
  /** Something was written while another tab was in front. */
  readonly hasNews: boolean;
  /** What the command wants to have in the clipboard. */
  readonly copyAsked: string | undefined;
  /** Why policy wants to know more before it lets the session start. */
  readonly reasonAsked: string | undefined;
  readonly find: { readonly text: string; readonly found: Found } | undefined;
}

/** A recording that is played. */
export interface RecordingTab {
  readonly kind: "recording";
  readonly id: string;
  readonly recording: string;
  readonly target: string;
  readonly state: "loading" | "paused" | "playing" | "failed";
  readonly words: string;
  readonly size: Size;
  /** Seconds. */
  readonly position: number;
  readonly duration: number;
  readonly speed: number;
}

export type Tab = TerminalTab | RecordingTab;

/** What the gateway tells of a session. */
export interface SessionRow {
  readonly id: string;
  readonly state: "starting" | "running" | "draining" | "ended";
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly endedBy: string | null;
  readonly principal: string;
  readonly target: string;
  readonly command: readonly string[];
  readonly mode: string;
  readonly tty: boolean;
  readonly clients: readonly ClientView[];
  readonly record: string;
  readonly createdAt: string;
  readonly durationMs: number | null;
}

export interface RecordingRow {
  readonly id: string;
  readonly principal: string;
  readonly target: string;
  readonly command: readonly string[];
  readonly bytes: number;
  readonly live: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
}

export interface TargetRow {
  readonly id: string;
  readonly runtime: string;
  readonly name: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ProbeRow {
  readonly name: string;
  /** Null when it was not asked yet. */
  readonly status: "pass" | "fail" | null;
  readonly targets: readonly string[];
}

export interface Share {
  readonly id: string;
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export type Dialog =
  | { readonly kind: "targets"; readonly filter: string; readonly at: number }
  | { readonly kind: "settings" }
  | { readonly kind: "closing"; readonly tab: string }
  | { readonly kind: "share"; readonly tab: string; readonly failure: string | undefined; readonly copied: string | undefined };

export interface State {
  readonly tabs: readonly Tab[];
  /** The id of the tab in front; `home` is the overview. */
  readonly active: string;
  readonly dialog: Dialog | undefined;
  /** Why a token is asked for; undefined when none is. */
  readonly tokenAsked: string | undefined;
  readonly settings: Settings;
  /** Whether somebody is here by a link only, and sees nothing but what it shows. */
  readonly isGuest: boolean;
  /** Who the gateway says that we are. */
  readonly subject: string | undefined;
  /** What the overview shows; undefined where it was not read yet. */
  readonly targets: readonly TargetRow[] | undefined;
  /** Runtimes whose targets are not among them, because they cannot be asked. */
  readonly unavailable: readonly string[];
  readonly sessions: readonly SessionRow[] | undefined;
  readonly recordings: readonly RecordingRow[] | undefined;
  readonly probes: readonly ProbeRow[] | undefined;
  readonly samples: readonly Sample[];
  /** By session. */
  readonly shares: Readonly<Record<string, readonly Share[]>>;
  /** The words of the target filter of the overview. */
  readonly filter: string;
  readonly isCtrlHeld: boolean;
  /** Why the overview could not be read. */
  readonly trouble: string | undefined;
}

export const homeTab = "home";

/** The terminal in front. */
export function activeTerminal({ tabs, active }: State): TerminalTab | undefined {
  const tab = tabs.find(({ id }) => id === active);
  return tab?.kind === "terminal" ? tab : undefined;
}

/** Every word of the filter stands somewhere in the target's id, its state or its labels. */
export function filterTargets(targets: readonly TargetRow[], filter: string): readonly TargetRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return targets.filter(({ id, state, labels }) => {
    const text = [id, state, ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
