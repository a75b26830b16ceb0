import { html, nothing, type TemplateResult } from "lit-html";
import { activeTerminal, type State, type TerminalTab } from "../page-state.ts";
import type { Actions } from "./actions.ts";
import { icon } from "./icons.ts";

/** What stands over a corner of the terminal: the search, and what a command or a policy asks. Also the token's form. */
export function over(state: State, actions: Actions): TemplateResult | typeof nothing {
  if (state.tokenAsked !== undefined) return tokenForm(state.tokenAsked, actions);
  const tab = activeTerminal(state);
  if (tab === undefined) return nothing;
  return html`${tab.find === undefined ? nothing : findBar(tab.find, actions)}
    ${tab.copyAsked === undefined ? nothing : copyAsk(tab.copyAsked, actions)}
    ${tab.reasonAsked === undefined ? nothing : reasonForm(tab.reasonAsked, actions)}`;
}

function findBar({ text, found }: NonNullable<TerminalTab["find"]>, actions: Actions): TemplateResult {
  const keydown = (event: KeyboardEvent): void => {
    if (event.key === "Enter") actions.find(text, { isBack: event.shiftKey });
    else if (event.key === "Escape") actions.toggleFind(false);
    else return;
    event.preventDefault();
  };
  const count = text === "" ? "" : found.count === 0 ? "none" : found.at === 0 ? `${found.count}` : `${found.at} of ${found.count}`;
  return html`<div id="find-bar" role="search" @keydown=${keydown}>
    <input id="find-text" type="text" aria-label="Find" placeholder="Find" autocomplete="off" spellcheck="false" .value=${text}
      @input=${(event: InputEvent) => actions.find((event.target as HTMLInputElement).value, { isTyping: true })}>
    <span id="found" role="status">${count}</span>
    <button class="quiet" aria-label="Previous match" @click=${() => actions.find(text, { isBack: true })}>${icon("up")}</button>
    <button class="quiet" aria-label="Next match" @click=${() => actions.find(text)}>${icon("down")}</button>
    <button class="quiet" aria-label="Close" @click=${() => actions.toggleFind(false)}>${icon("close")}</button>
  </div>`;
}

const shownMax = 120;

function copyAsk(text: string, actions: Actions): TemplateResult {
  const shown = text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
  const keydown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") void actions.answerCopy(false);
  };
  return html`<div class="ask" role="alertdialog" aria-label="Copy to the clipboard" @keydown=${keydown}>
    <p role="alert">The command wants this in your clipboard (${text.length} characters):</p><pre>${shown}</pre>
    <div class="choices"><button @click=${() => actions.answerCopy(false)}>No</button><button class="main" @click=${() => actions.answerCopy(true)}>Copy</button></div>
  </div>`;
}

function reasonForm(message: string, actions: Actions): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const reason = String(new FormData(event.target as HTMLFormElement).get("reason") ?? "").trim();
    if (reason !== "") actions.again(reason);
  };
  return html`<form class="ask" id="ask-reason" @submit=${submit}>
    <label for="reason">Why do you want this session?</label><p>${message}.</p>
    <input id="reason" name="reason" required maxlength="512" autocomplete="off">
    <div class="choices"><button class="main" type="submit">Start</button></div>
  </form>`;
}

function tokenForm(message: string, actions: Actions): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = String(new FormData(event.target as HTMLFormElement).get("token") ?? "").trim();
    if (token !== "") actions.giveToken(token);
  };
  return html`<form id="ask" @submit=${submit}>
    <img src="favicon.svg" alt="" width="40" height="40">
    <label for="token">Access token</label>
    <p id="ask-message">${message}</p>
    <input id="token" name="token" type="password" required autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="ask-message">
    <button class="main" type="submit">Connect</button>
  </form>`;
}
