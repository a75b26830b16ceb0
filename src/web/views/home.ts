import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { filterTargets, type ProbeRow, type RecordingRow, type SessionRow, type State, type TargetRow } from "../page-state.ts";
import { describeCommand, describeUnavailable } from "../words.ts";
import type { Actions } from "./actions.ts";
import { chart } from "./chart.ts";
import { icon } from "./icons.ts";
import { ago, byteCount, duration } from "./time.ts";

/** The overview: what runs, where one can go, what was recorded. */
export function home(state: State, actions: Actions): TemplateResult {
  const { samples, sessions, recordings, targets, unavailable, probes, filter } = state;
  return html`<div class="home">
    <div class="charts">
      ${chart("Sessions", samples, (sample) => sample.sessions, "calm")}
      ${chart("Execs a second", samples, (sample) => sample.execsPerSecond, "calm")}
      ${chart("Failures a second", samples, (sample) => sample.failuresPerSecond, "bad")}
    </div>
    ${probes === undefined || probes.length === 0 ? nothing : card("Probes", html`<ul class="probes">${probes.map(probeItem)}</ul>`)}
    ${card(
      "Targets",
      html`${list(
        targets && filterTargets(targets, filter),
        ({ id }) => id,
        (target) => targetRow(target, actions),
        "No target matches.",
      )}${unavailable.length === 0 ? nothing : html`<p class="none">${describeUnavailable(unavailable)}</p>`}`,
      html`<input type="search" placeholder="Filter" aria-label="Filter targets" .value=${filter}
        @input=${(event: InputEvent) => actions.set({ filter: (event.target as HTMLInputElement).value })}>`,
    )}
    ${card(
      "Sessions",
      list(
        sessions,
        ({ id }) => id,
        (session) => sessionRow(session, state, actions),
        "Nothing runs.",
      ),
    )}
    ${card(
      "Recordings",
      list(
        recordings,
        ({ id }) => id,
        (recording) => recordingRow(recording, actions),
        "Nothing is recorded.",
      ),
    )}
  </div>`;
}

function card(title: string, content: TemplateResult, tools: TemplateResult | typeof nothing = nothing): TemplateResult {
  return html`<section class="card" aria-label=${title}><header><h2>${title}</h2>${tools}</header>${content}</section>`;
}

function list<Row>(
  rows: readonly Row[] | undefined,
  keyOf: (row: Row) => string,
  draw: (row: Row) => TemplateResult,
  none: string,
): TemplateResult {
  if (rows === undefined) return html`<p class="none">Loading…</p>`;
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  return html`<ul class="rows">${repeat(rows, keyOf, draw)}</ul>`;
}

function row(state: string, [target, command]: readonly [string, string?], detail: unknown, buttons: unknown): TemplateResult {
  return html`<li class="row" data-state=${state}><i class="dot"></i><div class="what"><span class="name">${target}${command === undefined ? nothing : html` <span class="command">${command}</span>`}</span><span class="detail">${detail}</span></div>
    <div class="do">${buttons}</div></li>`;
}

function targetRow({ id, state, labels }: TargetRow, actions: Actions): TemplateResult {
  const isUp = state === "running";
  const detail = [
    state,
    ...Object.entries(labels)
      .slice(0, 4)
      .map(([name, value]) => `${name}=${value}`),
  ].join(" · ");
  return row(
    isUp ? "connected" : "ended",
    [id],
    detail,
    html`<button ?disabled=${!isUp} aria-label="Open ${id}" @click=${() => actions.open(id)}>Open</button>`,
  );
}

function sessionRow(session: SessionRow, { subject }: State, actions: Actions): TemplateResult {
  const { id, target, command, principal, createdAt, clients, tty, mode } = session;
  const isOver = session.state === "ended";
  const text = describeCommand(command);
  const who = principal === subject ? "you" : principal;
  const attached = clients.length === 0 ? "nobody attached" : `${clients.length} attached`;
  const detail = isOver
    ? `${who} · ${endOf(session)}`
    : `${who} · ${ago(createdAt, Date.now())} · ${mode === "sync" ? "one-shot" : attached}`;
  const join = (role: "writer" | "viewer", word: string) =>
    html`<button aria-label="${word} ${target}, ${text}" @click=${() => actions.attach(id, role, target)}>${word}</button>`;
  const buttons = isOver
    ? nothing
    : html`${tty ? join("viewer", "Watch") : nothing}${tty ? join("writer", "Attach") : nothing}
      <button class="bad" aria-label="End ${target}, ${text}" @click=${() => actions.end(id)}>End</button>`;
  return row(isOver ? "ended" : "connected", [target, text], detail, buttons);
}

function endOf({ outcome, exitCode, endedBy, durationMs }: SessionRow): string {
  const how = outcome === "exited" ? `exit ${exitCode}` : `${outcome}${endedBy === null ? "" : ` by ${endedBy}`}`;
  return durationMs === null ? how : `${how} · after ${duration(durationMs)}`;
}

function recordingRow(recording: RecordingRow, actions: Actions): TemplateResult {
  const { target, command, principal, startedAt, durationMs, bytes, live } = recording;
  const text = describeCommand(command);
  const length = live ? "still recorded" : duration(durationMs);
  const detail = `${principal} · ${ago(startedAt, Date.now())} · ${length} · ${byteCount(bytes)}`;
  return row(
    live ? "connected" : "ended",
    [target, text],
    detail,
    html`<button aria-label="Play ${target}, ${text}" @click=${() => actions.play(recording)}>${icon("play")}Play</button>`,
  );
}

function probeItem({ name, status, targets }: ProbeRow): TemplateResult {
  const state = status === "pass" ? "connected" : status === "fail" ? "failed" : "ended";
  return html`<li data-state=${state} title=${targets.join(", ")}><i class="dot"></i>${name}<span class="detail">${status ?? "not asked yet"}</span></li>`;
}
