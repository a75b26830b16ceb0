import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { dark, light } from "./theme.ts";

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

type Unsubscribe = () => void;

/** The terminal as the rest of the page sees it: bytes in, bytes out, a size. */
export interface TerminalView {
  readonly size: Size;
  /** Resolves when the terminal has parsed the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Clears the screen, the scrollback and every mode that a command left behind. */
  reset(): void;
  focus(): void;
  /** Fits the size to the window now; otherwise that happens by itself. */
  fit(): void;
  onInput(listener: (bytes: Uint8Array) => void): Unsubscribe;
  onResize(listener: (size: Size) => void): Unsubscribe;
  /** Keeps a text copy of the screen for screen readers, and has them read what is new. */
  setScreenReader(on: boolean): void;
}

/** Opens a terminal that fills `host` and follows its size and the window's light or dark. */
export function createTerminal(host: HTMLElement): TerminalView {
  const terminal = new Terminal({
    cursorBlink: true,
    fontFamily: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
    fontSize: 14,
    lineHeight: 1.1,
    minimumContrastRatio: 3,
    scrollback: 5000,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(host);
  terminal.textarea?.setAttribute("aria-label", "Terminal. Control F6 leaves it.");
  followScheme(terminal);
  fitWithWindow(host, fit);
  return {
    get size() {
      return { cols: terminal.cols, rows: terminal.rows };
    },
    write: (bytes) => new Promise((resolve) => terminal.write(bytes, resolve)),
    reset: () => terminal.reset(),
    focus: () => terminal.focus(),
    fit: () => fit.fit(),
    onInput: (listener) => onInput(terminal, listener),
    onResize: (listener) => unsubscribe(terminal.onResize(listener)),
    setScreenReader: (on) => {
      terminal.options.screenReaderMode = on;
    },
  };
}

/** What is typed or pasted is text; old mouse reports are bytes above 127, which UTF-8 would spoil. */
function onInput(terminal: Terminal, listener: (bytes: Uint8Array) => void): Unsubscribe {
  const encoder = new TextEncoder();
  const text = terminal.onData((data) => listener(encoder.encode(data)));
  const binary = terminal.onBinary((data) => listener(Uint8Array.from(data, (character) => character.charCodeAt(0))));
  return () => {
    text.dispose();
    binary.dispose();
  };
}

function unsubscribe(subscription: { dispose(): void }): Unsubscribe {
  return () => subscription.dispose();
}

function followScheme(terminal: Terminal): void {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    terminal.options.theme = query.matches ? dark : light;
  };
  query.addEventListener("change", apply);
  apply();
}

/** At most once a frame: a drag of the window's edge fires far more often than anything can be drawn. */
function fitWithWindow(host: HTMLElement, fit: FitAddon): void {
  let scheduled = false;
  const observer = new ResizeObserver(() => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      fit.fit();
    });
  });
  observer.observe(host);
}
