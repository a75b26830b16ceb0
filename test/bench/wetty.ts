import type { Browser } from "playwright-core";
import { launchChromium, withoutChromium } from "../e2e/browser.ts";
import { testToken } from "../fixtures/token.ts";
import { type Chart, type Figure, type Measured, median, type Part, quantile } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { textFile } from "./temporary.ts";
import { openTerminalPage, type TerminalPage } from "./terminal-page.ts";
import { installWetty, startWetty } from "./wetty-server.ts";

const opens = 15;
const uses = 11;
const keystrokes = 200;
const fileBytes = 16 * 1024 * 1024;
const crowd = 10;
const crowds = 3;

/** A server, and the address of its page. */
interface Server extends AsyncDisposable {
  readonly url: string;
  residentBytes(): number;
}

/** A page, the server behind it, and what was measured of both. */
interface Side {
  readonly url: string;
  readonly storage: Readonly<Record<string, string>>;
  /** Starts another server of the kind. */
  start(): Promise<Server>;
  readonly promptMs: number[];
  readonly echoMs: number[];
  readonly printMs: number[];
  readonly pageBytes: number[];
  /** Of servers with a crowd of pages open. */
  readonly crowdBytes: number[];
}

/** The terminal in a browser that people find first. */
export const wetty: Part = {
  name: "wetty",
  about:
    "wetty, which npm installs for this run, with `sh` and no login, and the gateway's own page, in the same Chromium: from opening the page to the prompt on the screen; from a letter given to the terminal to the message that brings it back; printing a file of text, p50 of eleven; resident memory of the page then, and of a server that was started for it and has ten of them open, p50 of three: those above keep the sessions of pages that are gone, which wetty ends. Both draw with xterm.js, without WebGL, and keep 10 000 lines.",
  missing: () => withoutChromium || installWetty(),
  measure,
};

async function measure(): Promise<Measured> {
  await using gateway = await startGateway();
  await using other = await startWetty();
  const browser = await launchChromium();
  try {
    const ours = createSide(gateway.url, {}, startGateway);
    // It keeps 1000 lines by itself.
    const options = JSON.stringify({ wettyFitTerminal: true, wettyVoid: 0, xterm: { scrollback: 10_000 } });
    const theirs = createSide(other.url, { options }, startWetty);
    const sides = [ours, theirs];
    const file = textFile(fileBytes);
    // In turn, so that both see the same machine.
    for (let i = 0; i < opens; i++) for (const side of sides) await measureOpening(browser, side);
    for (let i = 0; i < uses; i++) for (const side of sides) await measureUse(browser, side, file);
    for (let i = 0; i < crowds; i++) for (const side of sides) await measureServer(browser, side);
    return { figures: figuresOf(ours, theirs), chart: chartOf(ours, theirs) };
  } finally {
    await browser.close();
  }
}

async function startGateway(): Promise<Server> {
  const gateway = await startGatewayProcess();
  return { ...gateway, url: `http://127.0.0.1:${gateway.port}/#token=${testToken}` };
}

function createSide(url: string, storage: Side["storage"], start: Side["start"]): Side {
  return { url, storage, start, promptMs: [], echoMs: [], printMs: [], pageBytes: [], crowdBytes: [] };
}

async function measureOpening(browser: Browser, side: Side): Promise<void> {
  await using page = await openTerminalPage(browser, side.url, side.storage);
  side.promptMs.push(page.firstPromptMs);
}

async function measureUse(browser: Browser, side: Side, file: string): Promise<void> {
  await using page = await openTerminalPage(browser, side.url, side.storage);
  side.echoMs.push(...(await page.echoes(keystrokes)));
  side.printMs.push(await page.print(file));
  side.pageBytes.push(await page.residentBytes());
}

async function measureServer(browser: Browser, side: Side): Promise<void> {
  await using server = await side.start();
  const pages: TerminalPage[] = [];
  while (pages.length < crowd) pages.push(await openTerminalPage(browser, server.url, side.storage));
  side.crowdBytes.push(server.residentBytes());
  for (const page of pages) await page[Symbol.asyncDispose]();
}

function figuresOf(ours: Side, theirs: Side): Figure[] {
  const rate = ({ printMs }: Side): number => fileBytes / 1000 / median(printMs);
  const mb = (bytes: number): number => bytes / 1e6;
  const pair = (name: string, unit: string, value: (side: Side) => number, is: "atMost" | "atLeast"): Figure[] => [
    { name, value: value(ours), unit },
    { name: `${name}, wetty`, value: value(theirs), unit },
    { name: `${name} / wetty`, value: value(ours) / value(theirs), unit: "×", aim: { is, limit: 1 } },
  ];
  const slowest = Math.max(...ours.promptMs);
  return [
    { name: "first prompt, slowest", value: slowest, unit: "ms", aim: { is: "atMost", limit: 1000 } },
    ...pair("first prompt p50", "ms", ({ promptMs }) => median(promptMs), "atMost"),
    ...pair("echo in the page p50", "ms", ({ echoMs }) => median(echoMs), "atMost"),
    ...pair("echo in the page p99", "ms", ({ echoMs }) => quantile(echoMs, 0.99), "atMost"),
    ...pair("text printed", "MB/s", rate, "atLeast"),
    ...pair("memory of the server with ten terminals", "MB", ({ crowdBytes }) => mb(median(crowdBytes)), "atMost"),
    ...pair("memory of the page", "MB", ({ pageBytes }) => mb(median(pageBytes)), "atMost"),
  ];
}

function chartOf(ours: Side, theirs: Side): Chart {
  const bars = [
    { label: "execgate", value: median(ours.promptMs) },
    { label: "wetty", value: median(theirs.promptMs) },
  ];
  return { title: "From opening the page to the prompt, p50", unit: "ms", bars };
}
