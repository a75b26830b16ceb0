import type { Wanted } from "../link.ts";
import type { RecordingRow, Share, State } from "../page-state.ts";
import type { Settings } from "../settings.ts";

/** Everything that somebody can do in the page; the views know of nothing else. */
export interface Actions {
  show(id: string): void;
  close(id: string): void;
  /** What becomes of the session of a tab that is closed. */
  closeAnd(id: string, what: "end" | "keep"): void;
  open(target: string): void;
  /** @param client the place in it that the page had before, where it had one */
  attach(session: string, role: Extract<Wanted, { kind: "attach" }>["role"], target: string, client?: string): Promise<void>;
  end(session: string): void;
  play(recording: Pick<RecordingRow, "id" | "target">): void;
  again(reason?: string): void;
  /** Changes what is only looked at: filters, dialogs. */
  set(change: Partial<State>): void;
  openTargets(): void;
  closeDialog(): void;
  openShare(): void;
  share(session: string, expiresMs: number): void;
  revoke(session: string, share: string): void;
  copyShare(share: Share): void;
  /** Puts what the command asked for in the clipboard, or does not. */
  answerCopy(isWanted: boolean): void;
  find(text: string, options?: { readonly isBack?: boolean; readonly isTyping?: boolean }): void;
  toggleFind(isOpen: boolean): void;
  settings(change: Partial<Settings>): void;
  giveToken(token: string): void;
  forgetToken(): void;
  key(name: string): void;
  player(id: string): PlayerActions | undefined;
}

export interface PlayerActions {
  toggle(): void;
  seek(position: number): void;
  setSpeed(speed: number): void;
  download(): void;
}
