import { html, svg, type TemplateResult } from "lit-html";
import { type Sample, samplesMax } from "../overview.ts";

const [width, height] = [300, 56];
/** Samples that the width stands for at the least. */
const spanMin = 30;

/**
 * One number over the last minutes: its value now, large, and a line. Drawn as SVG by these few lines: a library for charts
 * is many times their size, and draws on a canvas that no screen reader and no zoom can read.
 */
export function chart(
  label: string,
  samples: readonly Sample[],
  measure: (sample: Sample) => number,
  tone: "calm" | "bad",
): TemplateResult {
  const values = samples.map(measure);
  const now = values.at(-1);
  const max = Math.max(1, ...values);
  // A page that was just opened has little to show, and shows it large.
  const span = Math.min(samplesMax - 1, Math.max(spanMin, values.length - 1));
  const points = values.map((value, i) => {
    const x = width - ((values.length - 1 - i) * width) / span;
    return `${x.toFixed(1)},${(height - 2 - (value / max) * (height - 6)).toFixed(1)}`;
  });
  const first = points[0]?.split(",")[0] ?? "0";
  const spoken = now === undefined ? "not known yet" : `${shown(now)} now, at most ${shown(Math.max(...values))} in the last minutes`;
  return html`<figure class="chart" data-tone=${tone}>
    <figcaption>${label}</figcaption>
    <strong>${now === undefined ? "–" : shown(now)}</strong>
    <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}: ${spoken}">
      ${points.length < 2 ? "" : svg`<polygon points="${first},${height} ${points.join(" ")} ${width},${height}"/><polyline points=${points.join(" ")}/>`}
    </svg>
  </figure>`;
}

function shown(value: number): string {
  if (value === 0 || value >= 10 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(1);
}
