/** Keys that phones do not have, as the terminal would send them. */
export const extraKeys = ["Esc", "Tab", "Ctrl", "←", "↑", "↓", "→", "|", "~", "/", "-"] as const;
export type ExtraKey = (typeof extraKeys)[number];

const arrows: Readonly<Record<string, string>> = { "↑": "A", "↓": "B", "→": "C", "←": "D" };

/** What a key types. @param isApplication cursor keys as editors want them */
export function sequenceOf(key: Exclude<ExtraKey, "Ctrl">, isApplication: boolean): string {
  if (key === "Esc") return "\x1b";
  if (key === "Tab") return "\t";
  const arrow = arrows[key];
  return arrow === undefined ? key : `\x1b${isApplication ? "O" : "["}${arrow}`;
}

/** The same with Ctrl held, for those that have one. */
export function withCtrl(text: string): string {
  const code = text.length === 1 ? text.toUpperCase().charCodeAt(0) : 0;
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code - 0x40) : text;
}

/** The shortcuts of the page: they do not take away anything that a terminal or a browser needs. */
export const shortcuts: readonly (readonly [keys: string, does: string])[] = [
  ["Ctrl Shift O", "open a target"],
  ["Ctrl Shift F", "find in the terminal"],
  ["Ctrl Shift ← →", "previous, next tab"],
  ["Ctrl Shift X", "close the tab"],
  ["Ctrl Shift H", "overview"],
  ["Ctrl Shift C, V", "copy, paste"],
  ["Ctrl F6", "leave the terminal, for Tab to go on"],
];
