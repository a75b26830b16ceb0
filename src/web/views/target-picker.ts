import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { type Dialog, filterTargets, type State } from "../page-state.ts";
import { describeUnavailable } from "../words.ts";
import type { Actions } from "./actions.ts";

type Picking = Extract<Dialog, { kind: "targets" }>;

/** A list that gets shorter with every word typed; arrows choose, Enter opens. */
export function targetPicker({ targets, unavailable }: State, picking: Picking, actions: Actions): TemplateResult {
  const found = filterTargets(targets ?? [], picking.filter);
  const at = Math.min(picking.at, Math.max(0, found.length - 1));
  const move = (by: number): void =>
    actions.set({ dialog: { ...picking, at: Math.min(Math.max(at + by, 0), Math.max(found.length - 1, 0)) } });
  const keydown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && found[at] !== undefined) actions.open(found[at].id);
    else return;
    event.preventDefault();
  };
  const filter = (event: InputEvent): void =>
    actions.set({ dialog: { ...picking, filter: (event.target as HTMLInputElement).value, at: 0 } });
  return html`<div class="picker">
    <input id="filter" type="search" role="combobox" aria-label="Filter targets" aria-expanded="true" aria-controls="choices" autocomplete="off" spellcheck="false" autofocus
      aria-activedescendant=${found.length === 0 ? nothing : `choice-${at}`} placeholder="Name, state or label" .value=${picking.filter} @input=${filter} @keydown=${keydown}>
    <ul id="choices" role="listbox" aria-label="Targets">${repeat(
      found,
      ({ id }) => id,
      (
        { id, runtime, state },
        i,
      ) => html`<li id="choice-${i}" role="option" aria-selected=${`${i === at}`} data-state=${state === "running" ? "connected" : "ended"}
        @click=${() => actions.open(id)}><i class="dot"></i><span class="name">${id}</span><span class="detail">${id === runtime ? state : `${runtime} · ${state}`}</span></li>`,
    )}</ul>
    ${found.length === 0 ? html`<p class="none" role="status">${targets === undefined ? "Loading…" : "No target matches."}</p>` : nothing}
    ${unavailable.length > 0 ? html`<p class="none">${describeUnavailable(unavailable)}</p>` : nothing}
  </div>`;
}
