import type { Terminal } from "@xterm/xterm";

/** Text is made no smaller; a screen that is larger even then is scrolled. */
const fontSizeMin = 6;

/**
 * Draws a terminal whose size is not its own to choose, of a session that is watched or of a recording, with text so small that
 * the whole screen is seen in `host`: what was written last stands at its lower end.
 * @param wished the size of the text where there is room, pixels
 */
export function fitText(terminal: Terminal, host: HTMLElement, wished: number): void {
  const screen = terminal.element?.querySelector<HTMLElement>(".xterm-screen");
  const [width = 0, height = 0] = [screen?.offsetWidth, screen?.offsetHeight];
  const now = terminal.options.fontSize ?? wished;
  const { paddingLeft, paddingRight } = getComputedStyle(terminal.element ?? host);
  const roomWidth = host.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
  if (width === 0 || height === 0 || roomWidth <= 0) return;
  const fitting = Math.floor(now * Math.min(roomWidth / width, host.clientHeight / height));
  terminal.options.fontSize = Math.min(wished, Math.max(fontSizeMin, fitting));
}
