import { html, nothing, type TemplateResult } from "lit-html";
import { shortcuts } from "../keys.ts";
import type { Share, State, TerminalTab } from "../page-state.ts";
import { fontSizeMax, fontSizeMin, type Settings } from "../settings.ts";
import type { Actions } from "./actions.ts";
import { icon } from "./icons.ts";
import { targetPicker } from "./target-picker.ts";
import { duration } from "./time.ts";

/** The dialog that is open. The element is the browser's own, which keeps the focus inside and closes by Escape. */
export function dialog(state: State, actions: Actions): TemplateResult | typeof nothing {
  const { dialog: open } = state;
  switch (open?.kind) {
    case undefined:
      return nothing;
    case "targets":
      return frame("Open a target", targetPicker(state, open, actions), actions);
    case "settings":
      return frame("Settings", settings(state, actions), actions);
    case "closing":
      return frame("Close the tab", closing(open.tab, actions), actions);
    case "share": {
      const tab = state.tabs.find(({ id }) => id === open.tab);
      if (tab?.kind !== "terminal" || tab.session === undefined) return nothing;
      return frame("Share", share(tab, tab.session, state, open, actions), actions);
    }
  }
}

function frame(title: string, content: TemplateResult, actions: Actions): TemplateResult {
  return html`<dialog aria-label=${title} @close=${() => actions.closeDialog()} @click=${closeOnBackdrop}>
    <header><h2>${title}</h2><button class="quiet" aria-label="Close" @click=${() => actions.closeDialog()}>${icon("close")}</button></header>
    ${content}
  </dialog>`;
}

/** A click on the dialog itself is one beside its content. */
function closeOnBackdrop(event: Event): void {
  if (event.target === event.currentTarget && event.target instanceof HTMLDialogElement) event.target.close();
}

function settings({ settings: now }: State, actions: Actions): TemplateResult {
  const theme = (value: Settings["theme"], word: string) => html`<label><input type="radio" name="theme" .checked=${now.theme === value}
    @change=${() => actions.settings({ theme: value })}><span>${word}</span></label>`;
  const size = (by: number, word: string, sign: string) => html`<button aria-label="${sign} ${word}"
    ?disabled=${now.fontSize + by < fontSizeMin || now.fontSize + by > fontSizeMax}
    @click=${() => actions.settings({ fontSize: now.fontSize + by })}>${sign}</button>`;
  return html`<div class="form">
    <fieldset class="segments"><legend>Colours</legend>${theme("system", "System")}${theme("light", "Light")}${theme("dark", "Dark")}</fieldset>
    <fieldset class="stepper"><legend>Text size</legend>${size(-1, "smaller", "A−")}<output>${now.fontSize} px</output>${size(1, "larger", "A+")}</fieldset>
    <label class="switch"><span>Screen reader mode<small>Keeps a text copy of the screen, and has new lines read.</small></span>
      <input id="reader" type="checkbox" role="switch" .checked=${now.isReadAloud}
        @change=${(event: Event) => actions.settings({ isReadAloud: (event.target as HTMLInputElement).checked })}></label>
    <h3>Keys</h3>
    <dl class="shortcuts">${shortcuts.map(([keys, does]) => html`<dt>${keys.split(" ").map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${does}</dd>`)}</dl>
    <button class="plain" @click=${() => actions.forgetToken()}>Forget the access token</button>
  </div>`;
}

function closing(tab: string, actions: Actions): TemplateResult {
  return html`<div class="form">
    <p>The session is still running. Kept, it waits in the overview for an hour, and ends then if nobody attaches.</p>
    <div class="choices">
      <button @click=${() => actions.closeDialog()}>Cancel</button>
      <button @click=${() => actions.closeAnd(tab, "keep")}>Keep it running</button>
      <button class="main" autofocus @click=${() => actions.closeAnd(tab, "end")}>End it</button>
    </div>
  </div>`;
}

const expiries: readonly (readonly [ms: number, word: string])[] = [
  [15 * 60_000, "15 minutes"],
  [60 * 60_000, "1 hour"],
  [8 * 60 * 60_000, "8 hours"],
];

function share(
  { target }: TerminalTab,
  session: string,
  { shares }: State,
  { failure, copied }: { readonly failure: string | undefined; readonly copied: string | undefined },
  actions: Actions,
): TemplateResult {
  const own = shares[session] ?? [];
  return html`<div class="form">
    <p>Whoever has the link sees what this terminal on <b>${target}</b> shows, and can do nothing to it.</p>
    <div class="choices start" role="group" aria-label="Make a link for">${expiries.map(
      ([ms, word]) => html`<button @click=${() => actions.share(session, ms)}>Link for ${word}</button>`,
    )}</div>
    ${failure === undefined ? nothing : html`<p class="failure" role="alert">${failure}</p>`}
    <ul class="rows">${own.map((one) => shareRow(one, session, one.id === copied, actions))}</ul>
  </div>`;
}

function shareRow(one: Share, session: string, isCopied: boolean, actions: Actions): TemplateResult {
  const restMs = one.expiresAt - Date.now();
  return html`<li class="row"><div class="what"><input class="link" readonly aria-label="Link" .value=${one.url} @focus=${(event: FocusEvent) => (event.target as HTMLInputElement).select()}>
      <span class="detail">${restMs > 0 ? `ends in ${duration(restMs)}` : "has ended"}</span></div>
    <div class="do"><button @click=${() => actions.copyShare(one)}>${isCopied ? "Copied" : "Copy"}</button>
      <button class="bad" @click=${() => actions.revoke(session, one.id)}>Revoke</button></div></li>`;
}
