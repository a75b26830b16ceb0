import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import pino from "pino";
import type { Browser } from "playwright-core";
import { loadConfig } from "../../src/config.ts";
import { startGateway } from "../../src/gateway.ts";
import { launchChromium, openTab, withoutChromium as skip } from "./browser.ts";
import { askSize, shownSize, typeLine, untilShown, untilState, words } from "./terminal-page.ts";

const token = "page+test/token=";
const withToken = `#token=${encodeURIComponent(token)}`;

interface Served extends AsyncDisposable {
  readonly url: string;
  /** Ends everything at once. */
  shutdown(): Promise<void>;
}

async function serve(): Promise<Served> {
  const stateDir = await mkdtemp(join(tmpdir(), "execgate-page-"));
  const env = { PATH: process.env.PATH, EXECGATE_STATE_DIR: stateDir, EXECGATE_TOKEN: token };
  const gateway = await startGateway(loadConfig({ argv: ["--listen", "127.0.0.1:0"], env }), pino({ level: "silent" }));
  let ended: Promise<void> | undefined;
  const shutdown = (): Promise<void> => {
    ended ??= gateway.shutdown(AbortSignal.abort());
    return ended;
  };
  return {
    url: new URL("/", gateway.urls[0]).href,
    shutdown,
    async [Symbol.asyncDispose]() {
      await shutdown();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

let served: Served;
let browser: Browser;
let url: string;

before(async () => {
  if (skip !== false) return;
  served = await serve();
  url = served.url;
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await served?.[Symbol.asyncDispose]();
});

test("the terminal has the window's size, and follows it", { skip }, async () => {
  await using tab = await openTab(browser, url + withToken, { viewport: { width: 1000, height: 600 } });
  const { page } = tab;
  await untilState(page, "connected");
  const first = await askSize(page, "first");
  assert.deepEqual(first, await shownSize(page));
  await page.setViewportSize({ width: 640, height: 400 });
  await page.waitForFunction((cols) => !document.getElementById("size")?.textContent.startsWith(`${cols} `), first.cols);
  const second = await askSize(page, "second");
  assert.deepEqual(second, await shownSize(page));
  assert.ok(second.cols < first.cols && second.rows < first.rows, `${JSON.stringify(first)} to ${JSON.stringify(second)}`);
});

test("the token leaves the address bar, other keys stay, and a reload keeps the token", { skip }, async () => {
  await using tab = await openTab(browser, `${url + withToken}&target=host`);
  await untilState(tab.page, "connected");
  assert.equal(tab.page.url(), `${url}#target=host`);
  await tab.page.reload();
  await untilState(tab.page, "connected");
  assert.equal(await tab.page.locator("#target").textContent(), "host");
});

test("the exit is told in words, and another session is offered only then", { skip }, async () => {
  await using tab = await openTab(browser, url + withToken);
  const { page } = tab;
  const again = page.getByRole("button", { name: "New session" });
  await untilState(page, "connected");
  assert.equal(await again.isVisible(), false);
  await typeLine(page, "exit 7");
  await untilState(page, "ended");
  assert.equal(await words(page), "exited with code 7");
  await again.click();
  await untilState(page, "connected");
  assert.equal(await again.isVisible(), false);
  await typeLine(page, "exit");
  await untilState(page, "ended");
  await page.keyboard.press("Enter");
  await untilState(page, "connected");
});

test("output in colour, of any character and much of it arrives with no complaint and no request to elsewhere", { skip }, async () => {
  await using tab = await openTab(browser, url + withToken);
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "printf '\\033[38;2;160;40;0m%s\\033[0m\\n' gr''ün");
  await untilShown(page, /^grün/);
  assert.equal(await page.getByText("grün", { exact: true }).evaluate((cell) => getComputedStyle(cell).color), "rgb(160, 40, 0)");
  await typeLine(page, "seq 300000; echo the e''nd");
  await untilShown(page, /^the end/);
  await untilShown(page, /^300000/);
  assert.deepEqual(tab.complaints, []);
  const { host } = new URL(url);
  assert.deepEqual(
    tab.requests.filter((request) => new URL(request).host !== host),
    [],
  );
  assert.equal(
    tab.requests.some((request) => request.includes("token")),
    false,
  );
});

test("a wrong token is asked for again, and the right one gets in", { skip }, async () => {
  await using tab = await openTab(browser, `${url}#token=wrong`);
  const { page } = tab;
  await untilState(page, "asking");
  await page.getByText("The token was not accepted.").waitFor();
  await page.getByLabel("Access token").fill(token);
  await page.keyboard.press("Enter");
  await untilState(page, "connected");
});

test("no token at all is asked for", { skip }, async () => {
  await using tab = await openTab(browser, url);
  await untilState(tab.page, "asking");
  assert.equal(await tab.page.getByLabel("Access token").evaluate((input) => input === document.activeElement), true);
  // The browser itself notes that the gateway wants to know who it is.
  assert.deepEqual(
    tab.complaints.filter((complaint) => !complaint.includes("401")),
    [],
  );
});

test("a target that is not there is named", { skip }, async () => {
  await using tab = await openTab(browser, `${url + withToken}&target=host:nowhere`);
  await untilState(tab.page, "ended");
  assert.match(await words(tab.page), /^refused: .*host:nowhere/);
});

test("escape sequences change nothing but the screen", { skip }, async () => {
  await using tab = await openTab(browser, url + withToken);
  const { page } = tab;
  await untilState(page, "connected");
  const size = await shownSize(page);
  // The window's title and size are set, the title and the clipboard asked for; what answers would be typed in.
  await typeLine(page, "printf '\\033]0;owned\\a\\033[8;5;20t\\033[21t\\033]52;c;?\\a'; read -r line; echo got-$line");
  await page.keyboard.type("nothing");
  await page.keyboard.press("Enter");
  await untilShown(page, /^got-nothing$/);
  assert.equal(await page.title(), "host · execgate");
  assert.deepEqual(await shownSize(page), size);
});

test("a gateway that goes is told, and so is one that is not there", { skip }, async () => {
  await using other = await serve();
  await using tab = await openTab(browser, other.url + withToken);
  const { page } = tab;
  await untilState(page, "connected");
  await other.shutdown();
  await untilState(page, "ended");
  assert.match(await words(page), /the gateway is shutting down/);
  await page.getByRole("button", { name: "New session" }).click();
  await page.getByText("the gateway cannot be reached").waitFor();
});
