import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { isDark, type Settings } from "../settings.ts";
import { onCopyAsked } from "./clipboard.ts";
import { Finder } from "./finder.ts";
import { fitText } from "./fit-text.ts";
import { Renderer } from "./renderer.ts";
import { dark, light } from "./theme.ts";
import { scrollByTouch } from "./touch-scroll.ts";

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

type Unsubscribe = () => void;

/** The terminal as the rest of the page sees it: bytes in, bytes out, a size. */
export interface TerminalView {
  readonly size: Size;
  readonly finder: Finder;
  readonly selection: string;
  /** Resolves when the terminal has parsed the bytes. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Clears the screen, the scrollback and every mode that a command left behind. */
  reset(): void;
  focus(): void;
  /** Types text as the keyboard would. */
  type(text: string): void;
  /** Types text as the clipboard would: a shell is told that it is pasted. */
  paste(text: string): void;
  /** Whether the cursor keys are to be sent as applications such as editors want them. */
  readonly isApplicationKeys: boolean;
  /** Fits the size to the window now; otherwise that happens by itself. */
  fit(): void;
  /** Shows output of another size as it was written. */
  resize(size: Size): void;
  /** A terminal that is not seen gives back what the graphics card keeps for it. */
  setVisible(isVisible: boolean): void;
  apply(settings: Settings): void;
  onInput(listener: (bytes: Uint8Array) => void): Unsubscribe;
  onResize(listener: (size: Size) => void): Unsubscribe;
  dispose(): void;
}

export interface TerminalOptions {
  readonly host: HTMLElement;
  readonly settings: Settings;
  readonly label: string;
  /** Whether it fills its host and takes input; else it shows what was recorded, in the size that it had. */
  readonly isLive: boolean;
  /** What is typed, before it is told. */
  readonly mapInput?: (text: string) => string;
  /** A command wants this text in the clipboard. */
  readonly copyAsked?: (text: string) => void;
}

/** Opens a terminal in `host`. */
export function createTerminal({ host, settings, label, isLive, mapInput = (text) => text, copyAsked }: TerminalOptions): TerminalView {
  const terminal = new Terminal({
    allowProposedApi: true,
    cursorBlink: isLive,
    disableStdin: !isLive,
    fontFamily: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
    lineHeight: 1.1,
    minimumContrastRatio: 4.5,
    scrollback: 10_000,
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  // What is no address of the web is no link, whatever a command prints.
  terminal.loadAddon(new WebLinksAddon((_event, address) => openLink(address)));
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = "11";
  terminal.open(host);
  terminal.textarea?.setAttribute("aria-label", label);
  scrollByTouch(terminal, host);
  if (copyAsked !== undefined) onCopyAsked(terminal, copyAsked);
  const finder = new Finder(search);
  let { fontSize } = settings;
  const fitNow = (): void => {
    if (isLive) fit.fit();
    else fitText(terminal, host, fontSize);
  };
  const apply = (next: Settings): void => {
    applySettings(terminal, next);
    finder.isDark = isDark(next);
    fontSize = next.fontSize;
  };
  apply(settings);
  const stop = fitWithHost(host, fitNow);
  const renderer = new Renderer(terminal);
  return {
    get size() {
      return { cols: terminal.cols, rows: terminal.rows };
    },
    get selection() {
      return terminal.getSelection();
    },
    get isApplicationKeys() {
      return terminal.modes.applicationCursorKeysMode;
    },
    finder,
    write: (bytes) => new Promise((resolve) => terminal.write(bytes, resolve)),
    reset: () => terminal.reset(),
    focus: () => terminal.focus(),
    type: (text) => terminal.input(text),
    paste: (text) => terminal.paste(text),
    fit: fitNow,
    resize({ cols, rows }) {
      terminal.resize(cols, rows);
      fitNow();
    },
    setVisible: (isVisible) => renderer.use(isVisible),
    apply(next) {
      apply(next);
      fitNow();
    },
    onInput: tellInput(terminal, mapInput),
    onResize: (listener) => unsubscribe(terminal.onResize(listener)),
    dispose() {
      stop();
      terminal.dispose();
    },
  };
}

function openLink(address: string): void {
  if (/^https?:\/\//i.test(address)) window.open(address, "_blank", "noopener,noreferrer");
}

type InputListener = (bytes: Uint8Array) => void;

/**
 * What is typed or pasted is text; old mouse reports are bytes above 127, which UTF-8 would spoil.
 * @returns what adds a listener, and returns what takes it away
 */
function tellInput(terminal: Terminal, map: (text: string) => string): (listener: InputListener) => Unsubscribe {
  const encoder = new TextEncoder();
  const listeners = new Set<InputListener>();
  const tell = (bytes: Uint8Array): void => {
    for (const listener of listeners) listener(bytes);
  };
  terminal.onData((data) => tell(encoder.encode(map(data))));
  terminal.onBinary((data) => tell(Uint8Array.from(data, (character) => character.charCodeAt(0))));
  return (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
}

function unsubscribe(subscription: { dispose(): void }): Unsubscribe {
  return () => subscription.dispose();
}

function applySettings(terminal: Terminal, settings: Settings): void {
  terminal.options.theme = isDark(settings) ? dark : light;
  terminal.options.fontSize = settings.fontSize;
  terminal.options.screenReaderMode = settings.isReadAloud;
}

/** At most once a frame: a drag of the window's edge fires far more often than anything can be drawn. */
function fitWithHost(host: HTMLElement, fit: () => void): Unsubscribe {
  let scheduled = false;
  const observer = new ResizeObserver(() => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      // One that is not shown keeps its size: a hidden element measures nothing.
      if (host.clientWidth > 0) fit();
    });
  });
  observer.observe(host);
  return () => observer.disconnect();
}
