import { html, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { RecordingTab } from "../page-state.ts";
import type { Actions } from "./actions.ts";
import { icon } from "./icons.ts";
import { clockTime } from "./time.ts";

const speeds = [0.5, 1, 2, 4, 8, 16] as const;

/** Play, place and speed of a recording. */
export function playerBar(tab: RecordingTab, actions: Actions): TemplateResult {
  const player = actions.player(tab.id);
  const isPlaying = tab.state === "playing";
  const isOff = tab.state === "loading" || tab.state === "failed";
  const place = `${clockTime(tab.position)} of ${clockTime(tab.duration)}`;
  return html`<div id="player" role="group" aria-label="Playback">
    <button id="play" class="quiet" ?disabled=${isOff} aria-label=${isPlaying ? "Pause" : "Play"} title=${isPlaying ? "Pause" : "Play"}
      @click=${() => player?.toggle()}>${icon(isPlaying ? "pause" : "play")}</button>
    <input id="scrubber" type="range" min="0" max=${tab.duration} step="any" ?disabled=${isOff} aria-label="Position" aria-valuetext=${place}
      .value=${live(String(tab.position))} @input=${(event: InputEvent) => player?.seek(Number((event.target as HTMLInputElement).value))}>
    <span class="time">${clockTime(tab.position)} / ${clockTime(tab.duration)}</span>
    <label><span class="unseen">Speed</span><select id="speed" @change=${(event: Event) => player?.setSpeed(Number((event.target as HTMLSelectElement).value))}>
      ${speeds.map((speed) => html`<option value=${speed} ?selected=${speed === tab.speed}>${speed}×</option>`)}
    </select></label>
    <button class="quiet" ?disabled=${isOff} aria-label="Download" title="Download as asciicast" @click=${() => player?.download()}>${icon("download")}</button>
  </div>`;
}
