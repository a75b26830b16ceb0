import assert from "node:assert/strict";
import { test } from "node:test";
import { openGateway } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { Line } from "../fixtures/line.ts";
import { testToken } from "../fixtures/token.ts";
import { openTab, withoutChromium as skip } from "./browser.ts";
import { sharePage } from "./shared-page.ts";
import { shown, typeLine, untilShown, untilState, words } from "./terminal-page.ts";

const shared = sharePage({ recording: { mode: "bestEffort" } });

test("a lost connection is said, covers nothing, and comes back with nothing missing", { skip }, async () => {
  await using line = await Line.open(shared.gateway.url);
  await using tab = await openTab(shared.browser, `${line.url}/#token=${testToken}`, {
    viewport: { width: 1000, height: 420 },
    colorScheme: "dark",
  });
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "for i in $(seq 40); do echo line-$i; sleep 0.03; done; echo the e''nd");
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
  line.weather.isDown = false;
  await untilState(page, "connected");
  await untilShown(page, /^the end/);
  await untilShown(page, /^(\$ )?typed/);
  const text = await shown(page);
  for (let i = 30; i <= 40; i++) assert.equal(text.split(new RegExp(`line-${i}\\b`)).length, 2, `line-${i} is there once`);
});

test("a network that goes without a word is noticed, also by somebody who only reads", { skip }, async () => {
  await using gateway = await openGateway({ limits: { heartbeatMs: 200 } });
  await using line = await Line.open(gateway.url);
  await using tab = await openTab(shared.browser, `${line.url}/#token=${testToken}`);
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "echo be''fore");
  await untilShown(page, /^before/);
  const { connections } = line.passed;
  // Longer than its patience, in which it hears nothing but beats.
  await page.waitForTimeout(1500);
  assert.equal(line.passed.connections, connections);
  line.weather.isSilent = true;
  await untilState(page, "reconnecting");
  line.weather.isSilent = false;
  await untilState(page, "connected");
  await typeLine(page, "echo af''ter");
  await untilShown(page, /^after/);
});

test("a gateway that was started anew is told at once, and a new session is one click away", { skip }, async () => {
  await using first = await GatewayProcess.spawn();
  const url = await first.url();
  await using tab = await openTab(shared.browser, `${url}/#token=${testToken}`);
  const { page } = tab;
  await untilState(page, "connected");
  first.child.kill("SIGKILL");
  await untilState(page, "reconnecting");
  await using second = await GatewayProcess.spawn({ listen: [new URL(url).host] });
  await second.url();
  const beganMs = performance.now();
  await untilState(page, "ended");
  assert.equal(await words(page), "the session is no more: the gateway was started anew, or it ended too long ago");
  // No later than the next time that the page dials.
  assert.ok(performance.now() - beganMs < 7000);
  assert.match(await page.title(), /^ended: host/);
  await page.getByRole("button", { name: "New session" }).click();
  await untilState(page, "connected");
  await typeLine(page, "echo an''ew");
  await untilShown(page, /^anew/);
});

test("a reload goes on in the same session, with what it showed", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "kept=va''lue; echo before the re''load");
  await untilShown(page, /^before the reload/);
  await page.reload();
  await untilState(page, "connected");
  await untilShown(page, /^before the reload/);
  await page.getByText("recorded", { exact: true }).waitFor();
  await typeLine(page, "echo $kept-again");
  await untilShown(page, /^value-again/);
  // More than the gateway keeps: the place from before the reload holds nothing back.
  await typeLine(page, "seq 250000; echo the e''nd");
  await untilShown(page, /^the end/);
});

test("whoever has a link watches in another browser, types nothing, and sees no more when it is revoked", { skip }, async () => {
  await using tab = await shared.open({ viewport: { width: 900, height: 520 }, colorScheme: "dark" });
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "echo wat''ch this");
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Link for 15 minutes" }).click();
  const link = await page.getByLabel("Link", { exact: true }).inputValue();
  await using guest = await openTab(shared.browser, link, { viewport: { width: 1000, height: 600 } });
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
  // In a smaller window, too, all of the screen is seen.
  await guest.page.setViewportSize({ width: 700, height: 330 });
  await guest.page.waitForFunction(() => {
    const [screen, place] = [".xterm-screen", ".terminal"].map((name) => document.querySelector(name)?.getBoundingClientRect());
    return screen !== undefined && place !== undefined && screen.bottom <= place.bottom && screen.right <= place.right;
  });
  await guest.page.setViewportSize({ width: 1000, height: 600 });
  await guest.page.waitForFunction(() => getComputedStyle(document.querySelector(".xterm-rows") as Element).fontSize === "14px");
  assert.equal(await guest.page.getByText("from the guest").count(), 0);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Revoke" }).click();
  await untilState(guest.page, "ended");
  assert.equal(await words(guest.page), "the token or the link has ended or was revoked");
  assert.deepEqual(guest.complaints, []);
  await guest.page.reload();
  await guest.page.getByText("there is nothing to watch").waitFor();
  // Another link, opened in the same tab.
  await page.getByRole("button", { name: "Link for 1 hour" }).click();
  await guest.page.goto(await page.getByLabel("Link", { exact: true }).inputValue());
  await untilState(guest.page, "connected");
  await untilShown(guest.page, /^from the owner/);
});
