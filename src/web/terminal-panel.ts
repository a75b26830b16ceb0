import { type Api, Refusal } from "./api.ts";
import { isViewer, type Link, openLink, type Wanted } from "./link.ts";
import type { TerminalTab } from "./page-state.ts";
import { createPanelElement, type Panel } from "./panel.ts";
import type { Settings } from "./settings.ts";
import { createTerminal, type TerminalView } from "./terminal/terminal.ts";
import { describeEnd } from "./words.ts";

export interface TerminalPanelOptions {
  readonly id: string;
  readonly wanted: Wanted;
  readonly target: string;
  readonly api: Api;
  readonly base: string;
  readonly settings: Settings;
  /** What is typed, before it is sent. */
  mapInput(text: string): string;
  /** Changes the tab in the page's state. */
  patch(change: Partial<TerminalTab>): void;
}

/** All that a page learns of a WebSocket that was not opened. What a ticket was given for is allowed. */
const notLetIn = {
  share: "there is nothing to watch: the link has ended or was revoked, or its session is over",
  ticket: "the connection could not be opened; something in between may stop WebSockets",
} as const;

/** One terminal tab: a session, its end, and another one when somebody wants it. */
export class TerminalPanel implements Panel {
  readonly element: HTMLElement;
  readonly terminal: TerminalView;
  readonly #options: TerminalPanelOptions;
  #wanted: Wanted;
  #link: Link | undefined;
  #findText = "";
  #isShown = false;
  #isClosed = false;
  #startAgain: (() => void) | undefined;

  constructor(options: TerminalPanelOptions) {
    const { id, wanted, target, settings, mapInput, patch } = options;
    this.#options = options;
    this.#wanted = wanted;
    this.element = createPanelElement(id, `Terminal on ${target}`);
    const host = document.createElement("div");
    host.className = "terminal";
    this.element.append(host);
    document.getElementById("panels")?.append(this.element);
    // It measures itself, which a hidden element cannot.
    this.element.hidden = false;
    const isLive = !isViewer(wanted);
    const label = "Terminal. Control F6 leaves it.";
    this.terminal = createTerminal({ host, settings, label, isLive, mapInput, copyAsked: (text) => patch({ copyAsked: text }) });
    this.terminal.onResize((size) => patch({ size }));
    this.terminal.onInput((bytes) => bytes.length === 1 && bytes[0] === 13 && this.#startAgain?.());
    this.terminal.finder.onFound((found) => patch({ find: { text: this.#findText, found } }));
  }

  /** Runs sessions until the tab is closed. Called once. */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      this.#options.patch({ state: "connecting", words: "connecting…", reasonAsked: undefined, session: undefined, clients: [] });
      this.terminal.fit();
      this.#options.patch({ size: this.terminal.size });
      const words = await this.#runSession();
      if (this.#isClosed) return;
      this.#options.patch({ state: "ended", words });
      await new Promise<void>((resolve) => {
        this.#startAgain = resolve;
      });
      this.#startAgain = undefined;
      this.terminal.reset();
    }
  }

  /** Another session in the place of the one that ended, for this reason where policy wants one. */
  again(reason?: string): void {
    if (reason !== undefined && this.#wanted.kind !== "share") this.#wanted = { ...this.#wanted, reason };
    this.#startAgain?.();
    this.terminal.focus();
  }

  /** Leaves the session as it is: it is kept for a while. */
  detach(): void {
    this.#link?.detach();
  }

  find(text: string, options: { isBack?: boolean; isTyping?: boolean } = {}): void {
    this.#findText = text;
    this.#options.patch({ find: { text, found: { at: 0, count: 0 } } });
    this.terminal.finder.find(text, options);
  }

  closeFind(): void {
    this.terminal.finder.close();
    this.#options.patch({ find: undefined });
    this.terminal.focus();
  }

  show(isShown: boolean): void {
    this.#isShown = isShown;
    this.element.hidden = !isShown;
    if (isShown) this.terminal.fit();
    this.terminal.setVisible(isShown);
    if (isShown) this.#options.patch({ hasNews: false });
  }

  focus(): void {
    this.terminal.focus();
  }

  apply(settings: Settings): void {
    this.terminal.apply(settings);
  }

  close(): void {
    this.#isClosed = true;
    this.detach();
    this.#startAgain?.();
    this.terminal.dispose();
    this.element.remove();
  }

  /** Runs one session, and says how it ended. */
  async #runSession(): Promise<string> {
    const { api, base, patch } = this.#options;
    try {
      this.#link = await openLink(base, api, this.#wanted, this.terminal, {
        attached: ({ session, client, target, role }) => {
          patch({ session, client, target, role, state: "connected", words: role === "viewer" ? "watching" : "connected" });
          if (this.#wanted.kind !== "share") void this.#readRecord(session);
        },
        clients: (clients) => patch({ clients }),
        lost: () => patch({ state: "reconnecting", words: "reconnecting…" }),
        output: () => {
          if (!this.#isShown) patch({ hasNews: true });
        },
        gap: (bytes) => void this.terminal.write(`\r\n\x1b[7m ${bytes} bytes of output are no longer kept \x1b[m\r\n`),
      });
      if (this.#isClosed) this.#link.detach();
      const end = await this.#link.ended;
      const isLetIn = end.kind !== "lost" || end.opened;
      return isLetIn ? describeEnd(end) : notLetIn[this.#wanted.kind === "share" ? "share" : "ticket"];
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      if (cause.field === "reason") patch({ reasonAsked: cause.message });
      return cause.status === 0 ? cause.message : `refused: ${cause.message}`;
    } finally {
      this.#link = undefined;
      // What comes after is a new session, whatever the first one was.
      if (this.#wanted.kind === "attach") this.#wanted = { kind: "exec", target: this.#options.target, keepMs: this.#wanted.keepMs };
    }
  }

  async #readRecord(session: string): Promise<void> {
    const { record } = await this.#options.api.get<{ record: string }>(`v1/sessions/${session}`).catch(() => ({ record: "off" }));
    this.#options.patch({ isRecorded: record !== "off" });
  }
}
