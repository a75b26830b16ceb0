import type { Browser, Page } from "playwright-core";
import { rendererBytes } from "../e2e/renderer-memory.ts";
import { timed } from "./busy.ts";

/** A page with an xterm.js in it that runs a shell: what is measured of it is measured alike, whoever made it. */
export interface TerminalPage extends AsyncDisposable {
  /** From the navigation until a prompt is on the screen, milliseconds. */
  readonly firstPromptMs: number;
  /** Milliseconds from a letter given to the terminal to the message that brings it back, as the page sees them, `count` of them. */
  echoes(count: number): Promise<number[]>;
  /** Milliseconds from Enter until a file was printed and the line behind it is on the screen. */
  print(file: string): Promise<number>;
  /** Resident memory of the process that draws it. */
  residentBytes(): Promise<number>;
}

/** Opens the page in a tab with no past but what it is to find in its storage, and waits for its prompt. */
export async function openTerminalPage(
  browser: Browser,
  url: string,
  storage: Readonly<Record<string, string>> = {},
): Promise<TerminalPage> {
  const context = await browser.newContext({ viewport: { width: 1000, height: 600 } });
  const page = await context.newPage();
  await page.addInitScript((entries) => Object.assign(localStorage, entries), storage);
  await page.addInitScript(watch);
  await page.goto(url);
  const firstPromptMs = await page.evaluate(() => (globalThis as unknown as Watched).promptMs);
  let prints = 0;
  await page.locator("textarea.xterm-helper-textarea").first().focus();
  return {
    firstPromptMs,
    echoes: (count) => page.evaluate((all) => (globalThis as unknown as Watched).echoes(all), count),
    print: (file) => print(page, file, ++prints),
    residentBytes: () => rendererBytes(browser, page),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/** What the script below leaves for the measurements. */
interface Watched {
  promptMs: Promise<number>;
  echoes: TerminalPage["echoes"];
  /** Resolves with the page's time as soon as a row of the terminal is drawn that `pattern` finds. */
  untilRow(pattern: string): Promise<number>;
}

/** Runs in the page before its own scripts do. */
function watch(): void {
  const watched = globalThis as unknown as Watched;
  watched.untilRow = (pattern) =>
    new Promise((resolve) => {
      const row = new RegExp(pattern);
      const isThere = (): boolean =>
        [...document.querySelectorAll(".xterm-rows > div")].some(({ textContent }) => row.test(textContent ?? ""));
      const look = (): void => void (isThere() ? resolve(performance.now()) : requestAnimationFrame(look));
      look();
    });
  watched.promptMs = watched.untilRow("[$#]\\s*$");
  let heard = (_data: unknown): void => undefined;
  globalThis.WebSocket = class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols);
      this.addEventListener("message", ({ data }) => heard(data));
    }
  };
  const holdsX = (data: unknown): boolean =>
    typeof data === "string" ? data.includes("x") : new Uint8Array(data as ArrayBuffer).includes(120);
  // Pasted by a script: behind a key that was pressed the browser draws a frame before it hears of any message.
  const give = (text: string): void => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.querySelector(".xterm-helper-textarea")?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  };
  watched.echoes = async (count) => {
    const echoMs: number[] = [];
    while (echoMs.length < count) {
      const beganMs = performance.now();
      const isBack = new Promise<void>((resolve) => {
        heard = (data) => holdsX(data) && resolve();
      });
      give("x");
      await isBack;
      echoMs.push(performance.now() - beganMs);
    }
    give("\x03");
    return echoMs;
  };
}

async function print(page: Page, file: string, number: number): Promise<number> {
  // Typed before the time is taken: a letter takes the browser longer than a kilobyte of the file.
  await page.keyboard.type(`clear; cat ${file}; printf '\\nend-%d\\n' ${number}`);
  return await timed(async () => {
    await page.keyboard.press("Enter");
    await page.evaluate((row) => (globalThis as unknown as Watched).untilRow(row), `^end-${number}`);
  });
}
