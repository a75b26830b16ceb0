import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { obstacles } from "./axe.ts";
import { withoutChromium as skip } from "./browser.ts";
import { sharePage } from "./shared-page.ts";
import { typeLine, untilShown, untilState } from "./terminal-page.ts";

const shared = sharePage({ recording: { mode: "bestEffort" } });

const backgroundOf = (page: Page): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

for (const colorScheme of ["dark", "light"] as const) {
  test(`in ${colorScheme} nothing stands in the way of anybody, in the terminal, the overview and every dialog`, { skip }, async () => {
    await using tab = await shared.open({ viewport: { width: 1000, height: 620 }, colorScheme });
    const { page } = tab;
    await untilState(page, "connected");
    assert.equal(await backgroundOf(page), colorScheme === "dark" ? "rgb(17, 22, 28)" : "rgb(251, 252, 253)");
    await typeLine(page, "printf '\\033[1;32m%s\\033[0m %s\\n' passed 12; echo hel''lo");
    await untilShown(page, /^hello/);
    await page.keyboard.press("Control+Shift+F");
    await page.keyboard.type("hello");
    await page.getByText("of 1", { exact: false }).waitFor();
    assert.deepEqual(await obstacles(page), [], "search");
    await page.keyboard.press("Escape");
    for (const button of ["Open a target", "Share", "Settings and keys", "Close host"]) {
      await page.getByRole("button", { name: button }).click();
      await page.getByRole("dialog").waitFor();
      assert.deepEqual(await obstacles(page), [], button);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await page.getByRole("button", { name: "Overview" }).click();
    await page.getByRole("button", { name: "Attach host, login shell" }).first().waitFor();
    await page.locator(".chart strong", { hasText: /^\d/ }).first().waitFor();
    assert.deepEqual(await obstacles(page), [], "overview");
    assert.deepEqual(tab.complaints, []);
  });
}

test("the colours can be set against the system's, and last", { skip }, async () => {
  await using tab = await shared.open({ colorScheme: "light" });
  const { page } = tab;
  await untilState(page, "connected");
  await page.getByRole("button", { name: "Settings and keys" }).click();
  await page.getByText("Dark", { exact: true }).click();
  assert.equal(await backgroundOf(page), "rgb(17, 22, 28)");
  for (let i = 0; i < 4; i++) await page.getByRole("button", { name: "larger" }).click();
  await page.getByText("18 px").waitFor();
  await page.reload();
  await untilState(page, "connected");
  assert.equal(await backgroundOf(page), "rgb(17, 22, 28)");
  assert.equal(await page.locator(".xterm-rows").evaluate((rows) => getComputedStyle(rows).fontSize), "18px");
});

test("on a phone there are the keys that it lacks, and nothing is wider than the screen", { skip }, async () => {
  await using tab = await shared.open({
    viewport: { width: 390, height: 700 },
    isMobile: true,
    hasTouch: true,
    colorScheme: "dark",
  });
  const { page } = tab;
  await untilState(page, "connected");
  await page.keyboard.type("cat -v");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Esc" }).tap();
  await page.getByRole("button", { name: "↑" }).tap();
  await page.keyboard.press("Enter");
  await untilShown(page, /^\^\[\^\[\[A/);
  assert.equal(await page.evaluate(() => document.activeElement?.className), "xterm-helper-textarea", "the phone's keyboard stays");
  await page.getByRole("button", { name: "Ctrl" }).tap();
  await page.keyboard.type("c");
  await typeLine(page, "echo don''e");
  await untilShown(page, /^done/);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.deepEqual(await obstacles(page), []);
  const finger = await page.context().newCDPSession(page);
  const swipe = async (byPixels: number): Promise<void> => {
    const touch = (type: "touchStart" | "touchMove", y: number) =>
      finger.send("Input.dispatchTouchEvent", { type, touchPoints: [{ x: 200, y }] });
    await touch("touchStart", 300);
    for (let step = 1; step <= 10; step++) await touch("touchMove", 300 + (byPixels * step) / 10);
    await finger.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await typeLine(page, "seq 200");
  await untilShown(page, /^200$/);
  await swipe(250);
  await page.getByText("200", { exact: true }).waitFor({ state: "detached" });
  await swipe(-250);
  await untilShown(page, /^200$/);
  // A command that has the whole screen gets what a wheel would give it.
  await typeLine(page, "printf '\\033[?1049h'; cat -v");
  await swipe(-100);
  await untilShown(page, /^(\^\[\[B|\^\[OB)+/);
  await page.keyboard.press("Control+C");
  await page.getByRole("button", { name: "Overview" }).tap();
  await page.getByRole("button", { name: "Open host" }).waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});
