import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { openTeam, tokenOf } from "../fixtures/team.ts";
import { until } from "../fixtures/until.ts";
import { launchChromium, openTab, withoutChromium as skip } from "./browser.ts";
import { picture } from "./picture.ts";
import { shown, typeLine, untilShown, untilState, words } from "./terminal-page.ts";

let served: TestGateway;
let browser: Browser;
let url: string;
before(async () => {
  if (skip !== false) return;
  served = await openGateway();
  browser = await launchChromium();
  url = `${served.url}/#token=${testToken}`;
});
after(async () => {
  await browser?.close();
  await served?.[Symbol.asyncDispose]();
});

const live = async (): Promise<string[]> => {
  const { json } = await served.request("/v1/sessions?state=running");
  return (json as { sessions: { id: string }[] }).sessions.map(({ id }) => id);
};
const focusedLabel = (page: Page): Promise<string | null> =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? null);

test("everything can be done by the keyboard alone", { skip }, async () => {
  const before = (await live()).length;
  await using tab = await openTab(browser, url);
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "echo fi''rst");
  await untilShown(page, /^first/);
  await page.keyboard.press("Control+Shift+O");
  await page.getByRole("option", { name: "host" }).waitFor();
  await page.keyboard.type("no such");
  await page.getByText("No target matches.").waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("ho running");
  await page.getByRole("option", { name: "host" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "host 2, connected" }).waitFor();
  assert.equal((await live()).length, before + 2);
  await typeLine(page, "echo sec''ond");
  await untilShown(page, /^second/);
  await page.keyboard.press("Control+Shift+ArrowLeft");
  await untilShown(page, /^first/);
  // Out of the terminal, to the tab's own button, and on by Tab.
  await page.keyboard.press("Control+F6");
  assert.equal(await focusedLabel(page), "host, connected");
  await page.keyboard.press("Tab");
  assert.equal(await focusedLabel(page), "Close host");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Close the tab" }).waitFor();
  await page.keyboard.press("Enter");
  await until("the end of the first", async () => (await live()).length === before + 1);
  await untilShown(page, /^second/);
  await page.keyboard.press("Control+Shift+X");
  await page.getByRole("button", { name: "Keep it running" }).click();
  await page.getByRole("button", { name: "Attach host, login shell" }).first().waitFor();
  assert.equal((await live()).length, before + 1);
});

test("text is found, forwards and backwards, and counted", { skip }, async () => {
  await using tab = await openTab(browser, url, { viewport: { width: 1000, height: 560 }, colorScheme: "dark" });
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "ls -la --color=always /etc | head -40; for i in 1 2 3; do echo need''le $i; done");
  await untilShown(page, /^needle 3/);
  await page.getByRole("button", { name: "Find" }).click();
  await page.keyboard.type("needle");
  await page.getByText("3 of 3").or(page.getByText("1 of 3")).waitFor();
  const first = await page.locator("#found").textContent();
  await page.keyboard.press("Enter");
  await page.waitForFunction((text) => document.getElementById("found")?.textContent !== text, first);
  await page.keyboard.press("Shift+Enter");
  await page.waitForFunction((text) => document.getElementById("found")?.textContent === text, first);
  await picture(page, "page");
  await page.keyboard.press("Escape");
  await page.keyboard.type("echo ba''ck");
  await page.keyboard.press("Enter");
  await untilShown(page, /^back/);
});

test("an address opens its target, and one that is entered later another tab", { skip }, async () => {
  await using tab = await openTab(browser, `${url}&target=host`);
  const { page } = tab;
  await untilState(page, "connected");
  await page.evaluate(() => {
    location.hash = "#target=docker:web";
  });
  await untilState(page, "ended");
  assert.match(await words(page), /docker:web/);
  assert.match(await page.title(), /ended: docker:web · execgate$/);
  assert.equal(await page.locator('link[rel="icon"]').getAttribute("href"), "favicon-over.svg");
  await page.getByRole("button", { name: "host, connected" }).click();
  assert.equal(await page.title(), "host · execgate");
});

test("a command's text comes into the clipboard by a click only, and what is there goes to no command", { skip }, async (t) => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(url);
  await untilState(page, "connected");
  await page.evaluate(() => navigator.clipboard.writeText("from before"));
  const copy = `printf '\\033]52;c;%s\\a' "$(printf 'from the command' | base64)"`;
  await typeLine(page, `${copy}; echo as''ked`);
  await untilShown(page, /^asked/);
  await page.getByText("The command wants this in your clipboard").waitFor();
  await page.getByRole("button", { name: "No" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "from before");
  await typeLine(page, copy);
  await page.getByRole("button", { name: "Copy" }).click();
  await until("the text", async () => (await page.evaluate(() => navigator.clipboard.readText())) === "from the command");
  await typeLine(page, "printf '\\033]52;c;?\\a'; read -r -t 1 line; echo got-$line-");
  await page.keyboard.press("Enter");
  await untilShown(page, /^got--/);
});

/** Moves the mouse onto a line of the terminal, which draws above its text what the mouse is to reach. */
async function pointAt(page: Page, text: string): Promise<void> {
  const box = await page.getByText(text, { exact: true }).last().boundingBox();
  assert.ok(box !== null);
  await page.mouse.move(box.x + 60, box.y + box.height / 2, { steps: 3 });
}

test("only addresses of the web are links", { skip }, async () => {
  await using tab = await openTab(browser, url);
  const { page } = tab;
  await untilState(page, "connected");
  const address = `${served.url}/healthz`;
  await typeLine(page, `clear; echo ${address}''; echo 'javascript:alert(1) file:///etc/passwd'`);
  await pointAt(page, address);
  await page.locator(".xterm-cursor-pointer").waitFor();
  const opened = page.context().waitForEvent("page");
  await page.mouse.down();
  await page.mouse.up();
  const other = await opened;
  assert.equal(await other.evaluate(() => opener), null);
  assert.equal(new URL(other.url()).pathname, "/healthz");
  await other.close();
  let others = 0;
  page.context().on("page", () => others++);
  page.on("dialog", () => others++);
  await pointAt(page, "javascript:alert(1) file:///etc/passwd");
  await page.mouse.down();
  await page.mouse.up();
  assert.equal(others, 0);
});

test("a policy that wants a reason is told one, in the page", { skip }, async () => {
  const roles = { careful: { allow: [{ verbs: ["exec"], targets: ["host"], commands: "any", reasonRequired: true }] } };
  await using team = await openTeam({ rita: [] }, { policy: { roles, bindings: [{ subjects: ["user:rita"], roles: ["careful"] }] } });
  await using tab = await openTab(browser, `${team.url}/#token=${tokenOf("rita")}`);
  const { page } = tab;
  await page.getByLabel("Why do you want this session?").fill("ticket 42");
  await page.keyboard.press("Enter");
  await untilState(page, "connected");
  await typeLine(page, "echo rea''soned");
  await untilShown(page, /^reasoned/);
  assert.ok((await shown(page)).includes("reasoned"));
});
