import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { Line } from "../fixtures/line.ts";
import { launchChromium, openTab, withoutChromium as skip } from "./browser.ts";
import { picture } from "./picture.ts";
import { shown, typeLine, untilShown, untilState, words } from "./terminal-page.ts";

let served: TestGateway;
let browser: Browser;
let url: string;
before(async () => {
  if (skip !== false) return;
  served = await openGateway({ recording: { mode: "bestEffort" } });
  browser = await launchChromium();
  url = `${served.url}/#token=${testToken}`;
});
after(async () => {
  await browser?.close();
  await served?.[Symbol.asyncDispose]();
});

test("a lost connection is said, covers nothing, and comes back with nothing missing", { skip }, async (t) => {
  await using line = await Line.open(served.url);
  await using tab = await openTab(browser, `${line.url}/#token=${testToken}`, {
    viewport: { width: 1000, height: 420 },
    colorScheme: "dark",
  });
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "for i in $(seq 60); do echo line-$i; sleep 0.05; done; echo the e''nd");
  await untilShown(page, /^line-5\b/);
  line.weather.isDown = true;
  line.cut();
  await untilState(page, "reconnecting");
  assert.match(await page.title(), /^reconnecting: host/);
  assert.equal(await page.locator('link[rel="icon"]').getAttribute("href"), "favicon-busy.svg");
  await untilShown(page, /^line-5\b/);
  // What is typed meanwhile is not lost either.
  await page.keyboard.type("echo typ''ed");
  await page.keyboard.press("Enter");
  await picture(page, "reconnecting");
  line.weather.isDown = false;
  t.diagnostic(`${line.passed.connections} connections`);
  await untilState(page, "connected");
  await untilShown(page, /^the end/);
  await untilShown(page, /^(\$ )?typed/);
  const text = await shown(page);
  for (let i = 50; i <= 60; i++) assert.equal(text.split(new RegExp(`line-${i}\\b`)).length, 2, `line-${i} is there once`);
});

test("a reload goes on in the same session, with what it showed", { skip }, async () => {
  await using tab = await openTab(browser, url);
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "kept=va''lue; echo before the re''load");
  await untilShown(page, /^before the reload/);
  await page.reload();
  await untilState(page, "connected");
  await untilShown(page, /^before the reload/);
  await typeLine(page, "echo $kept-again");
  await untilShown(page, /^value-again/);
  // More than the gateway keeps: the place from before the reload holds nothing back.
  await typeLine(page, "seq 250000; echo the e''nd");
  await untilShown(page, /^the end/);
});

test("what runs is joined and ended from the overview, also by another browser", { skip }, async () => {
  await using one = await openTab(browser, url);
  await untilState(one.page, "connected");
  await typeLine(one.page, "echo from the fi''rst");
  await untilShown(one.page, /^from the first/);
  await using other = await openTab(browser, url);
  await untilState(other.page, "connected");
  const { page } = other;
  await page.getByRole("button", { name: "Overview" }).click();
  // Newest first: its own, then the one of the other browser.
  await page.getByRole("button", { name: "Attach host, login shell" }).nth(1).click();
  await untilShown(page, /^from the first/);
  await one.page.getByText("1 more attached").waitFor();
  await typeLine(page, "echo to bo''th");
  await untilShown(one.page, /^to both/);
  await page.getByRole("button", { name: "Overview" }).click();
  await page.getByRole("button", { name: "End host, login shell" }).nth(1).click();
  await untilState(one.page, "ended");
  assert.equal(await words(one.page), "ended: by a client");
});

test("whoever has a link watches in another browser, types nothing, and sees no more when it is revoked", { skip }, async () => {
  await using tab = await openTab(browser, url, { viewport: { width: 900, height: 520 }, colorScheme: "dark" });
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "echo wat''ch this");
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Link for 15 minutes" }).click();
  const link = await page.getByLabel("Link", { exact: true }).inputValue();
  await picture(page, "share");
  await using guest = await openTab(browser, link, { viewport: { width: 1000, height: 600 } });
  await untilState(guest.page, "connected");
  await untilShown(guest.page, /^watch this/);
  assert.equal(await guest.page.getByRole("button", { name: "Overview" }).count(), 0);
  await guest.page.getByText("read only").waitFor();
  await guest.page.locator(".xterm").click();
  await guest.page.keyboard.type("echo from the gu''est");
  await guest.page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.getByText("1 more attached").waitFor();
  await typeLine(page, "echo from the ow''ner");
  await untilShown(guest.page, /^from the owner/);
  assert.equal(await guest.page.getByText("from the guest").count(), 0);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Revoke" }).click();
  await untilState(guest.page, "ended");
  assert.equal(await words(guest.page), "the token or the link has ended or was revoked");
  assert.deepEqual(guest.complaints, []);
  await guest.page.reload();
  await guest.page.getByText("there is nothing to watch").waitFor();
});

test("a recording is played, faster, and from any place", { skip }, async () => {
  const script = "echo start; sleep 0.4; stty cols 100 rows 20; printf '\\033[32mmiddle\\033[0m\\n'; sleep 0.4; echo finish";
  const { id } = await served.exec({ command: ["sh", "-c", script], tty: true, cols: 90, rows: 16 });
  await using tab = await openTab(browser, url, { viewport: { width: 1000, height: 560 }, colorScheme: "light" });
  const { page } = tab;
  await untilState(page, "connected");
  await page.getByRole("button", { name: "Overview" }).click();
  await page.getByRole("button", { name: `Play host, sh -c ${script}` }).click();
  await untilShown(page, /^start/);
  await untilShown(page, /^finish/);
  await page.getByRole("button", { name: "Play" }).waitFor();
  assert.equal(await page.locator("#size").textContent(), "90 × 16");
  const scrubber = page.getByRole("slider", { name: "Position" });
  await scrubber.focus();
  await page.keyboard.press("Home");
  await page.getByText("finish", { exact: true }).waitFor({ state: "detached" });
  await page.getByLabel("Speed").selectOption("4×");
  await page.getByRole("button", { name: "Play" }).click();
  await untilShown(page, /^finish/);
  await picture(page, "recording");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  assert.equal((await download).suggestedFilename(), `${id}.cast`);
  assert.deepEqual(tab.complaints, []);
});
