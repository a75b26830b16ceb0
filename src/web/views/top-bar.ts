import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { activeTerminal, homeTab, type State, type Tab } from "../page-state.ts";
import type { Actions } from "./actions.ts";
import { icon } from "./icons.ts";

/** The tabs, and what can be done with the one in front. */
export function topBar(state: State, actions: Actions): TemplateResult {
  const terminal = activeTerminal(state);
  const { active, tabs, tokenAsked, isGuest } = state;
  if (tokenAsked !== undefined || isGuest) return html`<header class="bar"><h1 class="brand">${brand}<span>execgate</span></h1></header>`;
  return html`<header class="bar">
    <h1 class="unseen">execgate</h1>
    <nav aria-label="Tabs">
      <button id="overview" class="brand" aria-current=${active === homeTab ? "page" : nothing} title="Overview" aria-label="Overview"
        @click=${() => actions.show(homeTab)}>${brand}</button>
      <ul id="tabs">${repeat(
        tabs,
        ({ id }) => id,
        (tab) => tabItem(tab, nameOf(tab, tabs), tab.id === active, actions),
      )}</ul>
      <button id="new" class="quiet" title="Open a target (Ctrl Shift O)" aria-label="Open a target" @click=${() => actions.openTargets()}>${icon("plus")}</button>
    </nav>
    <div class="tools">
      ${terminal && tool("find", "Find (Ctrl Shift F)", () => actions.toggleFind(terminal.find === undefined), terminal.find !== undefined)}
      ${terminal?.session !== undefined && terminal.role === "writer" && terminal.state !== "ended" ? tool("share", "Share", () => actions.openShare()) : nothing}
      ${tool("settings", "Settings and keys", () => actions.set({ dialog: { kind: "settings" } }))}
    </div>
  </header>`;
}

const brand = html`<img src="favicon.svg" alt="" width="20" height="20">`;

function tool(name: "find" | "share" | "settings", label: string, act: () => void, isPressed?: boolean): TemplateResult {
  return html`<button class="quiet" id=${name} title=${label} aria-label=${label.replace(/ \(.*/, "")}
    aria-pressed=${isPressed === undefined ? nothing : `${isPressed}`} @click=${act}>${icon(name)}</button>`;
}

/** Of several tabs on one target the later ones have a number. */
function nameOf(tab: Tab, tabs: readonly Tab[]): string {
  const alike = tabs.filter(({ kind, target }) => kind === tab.kind && target === tab.target);
  const number = alike.indexOf(tab) + 1;
  return number > 1 ? `${tab.target} ${number}` : tab.target;
}

function tabItem(tab: Tab, name: string, isActive: boolean, actions: Actions): TemplateResult {
  const isNews = tab.kind === "terminal" && tab.hasNews && !isActive;
  const label = tab.kind === "recording" ? `${name}, recording` : `${name}, ${tab.words}${isNews ? ", new output" : ""}`;
  return html`<li class="tab" ?data-active=${isActive}>
    <button class="tab-name" data-state=${tab.state} ?data-news=${isNews} aria-current=${isActive ? "page" : nothing} aria-label=${label} title=${label}
      @click=${() => actions.show(tab.id)} @auxclick=${(event: MouseEvent) => event.button === 1 && actions.close(tab.id)}>
      ${tab.kind === "recording" ? icon("recording") : tab.role === "viewer" ? icon("eye") : html`<i class="dot"></i>`}<span>${name}</span>
    </button>
    <button class="tab-close quiet" aria-label="Close ${name}" @click=${() => actions.close(tab.id)}>${icon("close")}</button>
  </li>`;
}
