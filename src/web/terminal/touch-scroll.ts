import type { Terminal } from "@xterm/xterm";

/**
 * Scrolls by a finger, which xterm.js does not: the scrollback line by line, and where a command has the whole screen or the
 * mouse, as a wheel would.
 */
export function scrollByTouch(terminal: Terminal, host: HTMLElement): void {
  const screen = terminal.element?.querySelector<HTMLElement>(".xterm-screen");
  if (screen === undefined || screen === null) return;
  const scroll = (lines: number, { clientX, clientY }: Touch): void => {
    const isOwn = terminal.buffer.active.type === "normal" && terminal.modes.mouseTrackingMode === "none";
    const wheel = { deltaY: lines, deltaMode: WheelEvent.DOM_DELTA_LINE, clientX, clientY, bubbles: true, cancelable: true };
    if (isOwn) terminal.scrollLines(lines);
    else screen.dispatchEvent(new WheelEvent("wheel", wheel));
  };
  const begin = (start: TouchEvent): void => {
    let y = start.touches[0]?.clientY ?? 0;
    const move = ({ touches }: TouchEvent): void => {
      const [touch] = touches;
      if (touch === undefined || touches.length > 1) return;
      const rowHeight = screen.offsetHeight / terminal.rows;
      const lines = Math.trunc((y - touch.clientY) / rowHeight);
      y -= lines * rowHeight;
      if (lines !== 0) scroll(lines, touch);
    };
    // On what was touched, which hears of its finger even when it is not drawn any more.
    const { target } = start;
    target?.addEventListener("touchmove", move as EventListener, { passive: true });
    for (const end of ["touchend", "touchcancel"]) {
      target?.addEventListener(end, () => target.removeEventListener("touchmove", move as EventListener), { once: true });
    }
  };
  host.addEventListener("touchstart", begin, { passive: true });
}
