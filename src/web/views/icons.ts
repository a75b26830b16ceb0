import { html, svg, type TemplateResult } from "lit-html";

/** Drawn with lines of one width on 16 by 16, in the colour of the text around. What it is for, the button says. */
const shapes = {
  close: svg`<path d="M4.5 4.5l7 7m0-7l-7 7"/>`,
  plus: svg`<path d="M8 3v10M3 8h10"/>`,
  find: svg`<circle cx="7" cy="7" r="4"/><path d="M10 10l3.5 3.5"/>`,
  share: svg`<circle cx="4" cy="8" r="1.8"/><circle cx="12" cy="4" r="1.8"/><circle cx="12" cy="12" r="1.8"/><path d="M5.6 7.2l4.8-2.4M5.6 8.8l4.8 2.4"/>`,
  settings: svg`<path d="M3 4.5h10M3 8h10M3 11.5h10"/><circle cx="6" cy="4.5" r="1.4"/><circle cx="10.5" cy="8" r="1.4"/><circle cx="5" cy="11.5" r="1.4"/>`,
  overview: svg`<path d="M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.500v4.500h-4.500zM2.500 9h4.500v4.500h-4.500zM9 9h4.500v4.500h-4.500z"/>`,
  terminal: svg`<path d="M3 4.500l3.500 3.500l-3.500 3.500M8 12h5"/>`,
  recording: svg`<circle cx="8" cy="8" r="5.500"/><circle cx="8" cy="8" r="2" fill="currentColor"/>`,
  eye: svg`<path d="M1.500 8c1.800-3 4-4.500 6.500-4.500s4.700 1.500 6.500 4.500c-1.800 3-4 4.500-6.500 4.500s-4.700-1.500-6.500-4.500z"/><circle cx="8" cy="8" r="1.800"/>`,
  play: svg`<path d="M5 3.500v9l7.500-4.500z" fill="currentColor"/>`,
  pause: svg`<path d="M5.500 3.500v9M10.500 3.500v9"/>`,
  up: svg`<path d="M4 10l4-4l4 4"/>`,
  down: svg`<path d="M4 6l4 4l4-4"/>`,
  download: svg`<path d="M8 2.500v7.500M5 7.500l3 3l3-3M3 13.500h10"/>`,
} as const;

export function icon(name: keyof typeof shapes): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${shapes[name]}</svg>`;
}
