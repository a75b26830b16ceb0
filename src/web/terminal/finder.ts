import type { SearchAddon } from "@xterm/addon-search";

export interface Found {
  /** Of the match that is shown, from 1; 0 when there is none. */
  readonly at: number;
  readonly count: number;
}

/** Text must be readable on it, whatever its colour; the ruler's are needed for the count to be kept. */
const decorationsOf = (match: string, active: string) => ({
  matchBackground: match,
  matchOverviewRuler: match,
  activeMatchBackground: active,
  activeMatchColorOverviewRuler: active,
});
const onDark = decorationsOf("#5b4a12", "#8a5a00");
const onLight = decorationsOf("#f7e3a1", "#f0b849");

/** Looks for text on the screen and in the scrollback. */
export class Finder {
  readonly #search: SearchAddon;
  isDark = false;

  constructor(search: SearchAddon) {
    this.#search = search;
  }

  /** Goes to the next match, or with `isBack` to the one before. `isTyping`: stays where it is as long as that matches. */
  find(text: string, { isBack = false, isTyping = false } = {}): void {
    const decorations = this.isDark ? onDark : onLight;
    if (text === "") this.#search.clearDecorations();
    else if (isBack) this.#search.findPrevious(text, { decorations });
    else this.#search.findNext(text, { decorations, incremental: isTyping });
  }

  close(): void {
    this.#search.clearDecorations();
  }

  onFound(listener: (found: Found) => void): void {
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) => listener({ at: resultIndex + 1, count: resultCount }));
  }
}
