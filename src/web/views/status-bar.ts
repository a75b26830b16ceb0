import { html, nothing, type TemplateResult } from "lit-html";
import { extraKeys } from "../keys.ts";
import { homeTab, type RecordingTab, type State, type TerminalTab } from "../page-state.ts";
import type { Actions } from "./actions.ts";
import { icon } from "./icons.ts";
import { playerBar } from "./player-bar.ts";

/** The line below: how the tab in front is, and on phones the keys that they lack. */
export function statusBar(state: State, actions: Actions): TemplateResult {
  const tab = state.tabs.find(({ id }) => id === state.active);
  if (state.tokenAsked !== undefined) return status("asking", "not connected");
  if (tab === undefined) return homeStatus(state);
  if (tab.kind === "recording") return html`${playerBar(tab, actions)}${recordingStatus(tab)}`;
  return html`${tab.role === "writer" ? keyRow(state, actions) : nothing}${terminalStatus(state, tab, actions)}`;
}

function homeStatus({ active, trouble, subject }: State): TemplateResult {
  if (active !== homeTab) return html``;
  return status(trouble === undefined ? "connected" : "ended", trouble ?? "overview", html`<span id="size">${subject}</span>`);
}

function status(name: string, words: string, more: unknown = nothing): TemplateResult {
  return html`<footer class="bar">
    <p id="status" role="status" aria-live="polite" data-state=${name}><span id="words">${words}</span></p>${more}
  </footer>`;
}

function recordingStatus({ state, words, target, size }: RecordingTab): TemplateResult {
  return status(state === "failed" ? "ended" : "recording", words, html`<span id="target">${target}</span>${sizeOf(size)}`);
}

function terminalStatus(state: State, tab: TerminalTab, actions: Actions): TemplateResult {
  const { state: name, words, target, size, role, isRecorded } = tab;
  const others = othersOf(tab);
  return status(
    name,
    words,
    html`<span id="target">${target}</span>
    ${role === "viewer" ? html`<span class="badge">${icon("eye")}read only</span>` : nothing}
    ${isRecorded && name !== "ended" ? html`<span class="badge" title="What this session shows is recorded">${icon("recording")}recorded</span>` : nothing}
    ${others === "" ? nothing : html`<span id="others" class="badge" title=${whoOf(tab)}>${icon("eye")}${others}</span>`}
    ${sizeOf(size)}
    ${
      name === "ended" && !state.isGuest && tab.reasonAsked === undefined
        ? html`<button id="again" class="main" @click=${() => actions.again()}>New session</button>`
        : nothing
    }`,
  );
}

function sizeOf({ cols, rows }: { readonly cols: number; readonly rows: number }): TemplateResult {
  return html`<span id="size" aria-label="${cols} columns, ${rows} rows">${cols} × ${rows}</span>`;
}

function othersOf({ clients }: TerminalTab): string {
  const others = clients.length - 1;
  if (others < 1) return "";
  return `${others} more attached`;
}

function whoOf({ clients }: TerminalTab): string {
  return clients.map(({ principal, role, connected }) => `${principal} (${role}${connected ? "" : ", away"})`).join("\n");
}

function keyRow({ isCtrlHeld }: State, actions: Actions): TemplateResult {
  // A key that took the focus would put the phone's keyboard away.
  const keep = (event: Event): void => event.preventDefault();
  return html`<div id="keys" role="toolbar" aria-label="Keys" @pointerdown=${keep} @mousedown=${keep}>${extraKeys.map(
    (key) => html`<button aria-pressed=${key === "Ctrl" ? `${isCtrlHeld}` : nothing} @click=${() => actions.key(key)}>${key}</button>`,
  )}</div>`;
}
