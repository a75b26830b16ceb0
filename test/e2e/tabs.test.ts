import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { openTeam, tokenOf } from "../fixtures/team.ts";
import { until } from "../fixtures/until.ts";
import { openTab, withoutChromium as skip } from "./browser.ts";
import { sharePage } from "./shared-page.ts";
import { shown, typeLine, untilShown, untilState, words } from "./terminal-page.ts";

const shared = sharePage();

const live = async (): Promise<string[]> => {
  const { json } = await shared.gateway.request("/v1/sessions?state=running");
  return (json as { sessions: { id: string }[] }).sessions.map(({ id }) => id);
};
const focusedLabel = (page: Page): Promise<string | null> =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? null);

test("everything can be done by the keyboard alone", { skip }, async () => {
  const before = (await live()).length;
  await using tab = await shared.open();
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

test("a reload brings back all tabs, and to the front the one that was there", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "echo fi''rst");
  await untilShown(page, /^first/);
  await page.getByRole("button", { name: "Open a target" }).click();
  await page.getByRole("option", { name: "host" }).click();
  await page.getByRole("button", { name: "host 2, connected" }).waitFor();
  await page.getByRole("button", { name: "host, connected" }).click();
  await page.reload();
  await page.getByRole("button", { name: "host 2, connected" }).waitFor();
  await untilShown(page, /^first/);
  await page.getByRole("button", { name: "Overview" }).click();
  await page.reload();
  await page.getByRole("button", { name: "host 2, connected" }).waitFor();
  await page.getByRole("region", { name: "Sessions" }).waitFor();
  // What an address asks for comes to the front.
  await page.goto("about:blank");
  await page.goto(`${shared.gateway.url}/#target=docker:web`);
  await untilState(page, "ended");
  assert.match(await words(page), /docker:web/);
  await page.getByRole("button", { name: "host 2, connected" }).waitFor();
});

test("text is found, forwards and backwards, and counted", { skip }, async () => {
  await using tab = await shared.open({ viewport: { width: 1000, height: 560 }, colorScheme: "dark" });
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
  await page.keyboard.press("Escape");
  await page.keyboard.type("echo ba''ck");
  await page.keyboard.press("Enter");
  await untilShown(page, /^back/);
});

test("an address opens its target, and one that is entered later another tab", { skip }, async () => {
  await using tab = await shared.open({}, "&target=host");
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

test("a policy that wants a reason is told one, in the page", { skip }, async () => {
  const roles = { careful: { allow: [{ verbs: ["exec"], targets: ["host"], commands: "any", reasonRequired: true }] } };
  await using team = await openTeam({ rita: [] }, { policy: { roles, bindings: [{ subjects: ["user:rita"], roles: ["careful"] }] } });
  await using tab = await openTab(shared.browser, `${team.url}/#token=${tokenOf("rita")}`);
  const { page } = tab;
  await page.getByLabel("Why do you want this session?").fill("ticket 42");
  await page.keyboard.press("Enter");
  await untilState(page, "connected");
  await typeLine(page, "echo rea''soned");
  await untilShown(page, /^reasoned/);
  assert.ok((await shown(page)).includes("reasoned"));
});
