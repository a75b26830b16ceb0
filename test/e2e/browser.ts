import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { skipWithout } from "../fixtures/require.ts";

const executablePath = process.env.EXECGATE_TEST_CHROMIUM ?? "/usr/bin/chromium";

/** For `skip`: false, or why there can be no test in a browser here. */
export const withoutChromium = skipWithout("chromium", existsSync(executablePath));

/**
 * A browser that asks nothing of anybody by itself, so that every request is the page's. Without WebGL, unless a test wants
 * it, terminals are drawn by elements, whose text a test can read.
 */
export function launchChromium({ hasWebgl = false } = {}): Promise<Browser> {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      ...(hasWebgl ? ["--enable-unsafe-swiftshader"] : ["--disable-gpu", "--disable-3d-apis"]),
      ...quiet,
    ],
  });
}

/** A tab with no past, and everything that it complained of and asked for. */
export interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** Errors and warnings of the console, violations of the content security policy among them. */
  readonly complaints: readonly string[];
  /** The address of every request and WebSocket. */
  readonly requests: readonly string[];
}

export async function openTab(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  page.on("websocket", (socket) => requests.push(socket.url()));
  await page.goto(url);
  return { page, complaints, requests, [Symbol.asyncDispose]: () => context.close() };
}
