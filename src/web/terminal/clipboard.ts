import type { Terminal } from "@xterm/xterm";

/** Text that a command may ask to have copied, bytes of base64. */
const copyLengthMax = 1_000_000;

/**
 * OSC 52: a command wants text in the clipboard, which takes a click, or wants to know what is in it, which is not
 * answered at all: what is there belongs to other programs.
 */
export function onCopyAsked(terminal: Terminal, copyAsked: (text: string) => void): void {
  terminal.parser.registerOscHandler(52, (data) => {
    const base64 = data.slice(data.indexOf(";") + 1);
    const text = base64 === "?" || base64.length > copyLengthMax ? undefined : decode(base64);
    if (text !== undefined && text !== "") copyAsked(text);
    return true;
  });
}

function decode(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Puts text in the clipboard; to be called by a click or a key. Returns whether it is there. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Over plain http from another machine browsers have no `navigator.clipboard`. */
function copyBySelection(text: string): boolean {
  const area = Object.assign(document.createElement("textarea"), { value: text, className: "unseen" });
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return isCopied;
}
