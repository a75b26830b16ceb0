import assert from "node:assert/strict";
import { test } from "node:test";
import { openGateway } from "../fixtures/gateway.ts";
import { testToken } from "../fixtures/token.ts";
import { openTab, withoutChromium as skip } from "./browser.ts";
import { sharePage } from "./shared-page.ts";
import { askSize, shownSize, typeLine, untilState, words } from "./terminal-page.ts";

const shared = sharePage();

test("the terminal has the window's size, and follows it", { skip }, async () => {
  await using tab = await shared.open({ viewport: { width: 1000, height: 600 } });
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

test("it is loaded packed, in no more than 180 kB", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  const files = await page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
      .filter(({ name }) => name.includes("/assets/"))
      .map(({ encodedBodySize, decodedBodySize }) => ({ sent: encodedBodySize, isPacked: encodedBodySize < decodedBodySize })),
  );
  assert.ok(files.length >= 3 && files.every(({ isPacked }) => isPacked), JSON.stringify(files));
  const sum = files.reduce((all, { sent }) => all + sent, 0);
  assert.ok(sum <= 180_000, `${sum}`);
});

test("the token leaves the address bar, other keys stay, and a reload keeps the token", { skip }, async () => {
  await using tab = await shared.open({}, "&target=host");
  await untilState(tab.page, "connected");
  assert.equal(tab.page.url(), `${shared.gateway.url}/#target=host`);
  await tab.page.reload();
  await untilState(tab.page, "connected");
  assert.equal(await tab.page.locator("#target").textContent(), "host");
});

test("the exit is told in words, and another session is offered only then", { skip }, async () => {
  await using tab = await shared.open();
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

test("a gateway that cannot be reached at first is told, and used as soon as it can", { skip }, async () => {
  const context = await shared.browser.newContext();
  const page = await context.newPage();
  await page.route("**/v1/**", (route) => route.abort());
  await page.goto(shared.url);
  await page.getByText("the gateway cannot be reached").waitFor();
  await page.unroute("**/v1/**");
  await page.getByRole("button", { name: "Open host" }).click();
  await untilState(page, "connected");
  await context.close();
});

test("a wrong token is asked for again, and the right one gets in", { skip }, async () => {
  await using tab = await openTab(shared.browser, `${shared.gateway.url}/#token=wrong`);
  const { page } = tab;
  await untilState(page, "asking");
  await page.getByText("The token was not accepted.").waitFor();
  await page.getByLabel("Access token").fill(testToken);
  await page.keyboard.press("Enter");
  await untilState(page, "connected");
});

test("no token at all is asked for", { skip }, async () => {
  await using tab = await openTab(shared.browser, shared.gateway.url);
  await untilState(tab.page, "asking");
  assert.equal(await tab.page.getByLabel("Access token").evaluate((input) => input === document.activeElement), true);
  // The browser itself notes that the gateway wants to know who it is.
  assert.deepEqual(
    tab.complaints.filter((complaint) => !complaint.includes("401")),
    [],
  );
});

test("a target that is not there is named", { skip }, async () => {
  await using tab = await shared.open({}, "&target=host:nowhere");
  await untilState(tab.page, "ended");
  assert.match(await words(tab.page), /^refused: .*host:nowhere/);
});

test("a gateway that goes is told, and so is one that is not there", { skip }, async () => {
  await using other = await openGateway();
  await using tab = await openTab(shared.browser, `${other.url}/#token=${testToken}`);
  const { page } = tab;
  await untilState(page, "connected");
  await other.shutdown();
  await untilState(page, "ended");
  assert.match(await words(page), /the gateway is shutting down/);
  await page.getByRole("button", { name: "New session" }).click();
  await page.getByText("the gateway cannot be reached").waitFor();
});
