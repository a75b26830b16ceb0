import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../fixtures/until.ts";
import { withoutChromium as skip } from "./browser.ts";
import { sharePage } from "./shared-page.ts";
import { askSize, shownSize, typeLine, untilShown, untilState, words } from "./terminal-page.ts";

const shared = sharePage({
  recording: { mode: "bestEffort" },
  runtimes: { absent: { kind: "docker", socket: "/nonexistent" } },
  probes: {
    disk: { target: "host", command: ["true"], intervalMs: 500 },
    queue: { target: "host", command: ["false"], intervalMs: 500 },
    mail: { target: "host", command: ["true"] },
  },
});

test("the overview tells what the probes say and draws what the gateway does", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  await page.getByRole("button", { name: "Overview" }).click();
  const probes = page.getByRole("region", { name: "Probes" });
  await probes.locator('[data-state="connected"]', { hasText: "disk" }).getByText("pass").waitFor();
  await probes.locator('[data-state="failed"]', { hasText: "queue" }).getByText("fail").waitFor();
  await probes.locator('[data-state="ended"]', { hasText: "mail" }).getByText("not asked yet").waitFor();
  await shared.gateway.request("/v1/probes/mail");
  await probes.locator('[data-state="connected"]', { hasText: "mail" }).getByText("pass").waitFor();
  for (let i = 0; i < 20; i++) await shared.gateway.exec({ command: ["false"] });
  await page.getByRole("region", { name: "Targets" }).getByText("absent cannot be asked: what is there is not listed.").waitFor();
  await page.getByRole("img", { name: /^Execs a second: (?!0 now|not known)/ }).waitFor();
  await page.getByRole("img", { name: /^Failures a second: .* at most (?!0 )/ }).waitFor();
  await page.getByRole("img", { name: /^Sessions: [1-9]/ }).waitFor();
  await until("lines", async () => (await page.locator(".chart polyline").count()) === 3);
});

test("what runs is joined and ended from the overview, also by another browser", { skip }, async () => {
  await using one = await shared.open();
  await untilState(one.page, "connected");
  await typeLine(one.page, "echo from the fi''rst");
  await untilShown(one.page, /^from the first/);
  await using other = await shared.open();
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

test("who types has the size, also of a session that was begun in another window", { skip }, async () => {
  await using one = await shared.open({ viewport: { width: 1000, height: 600 } });
  await untilState(one.page, "connected");
  await using other = await shared.open({ viewport: { width: 620, height: 420 } });
  const { page } = other;
  await untilState(page, "connected");
  await page.getByRole("button", { name: "Overview" }).click();
  await page.getByRole("button", { name: "Attach host, login shell" }).nth(1).click();
  await untilState(page, "connected");
  assert.deepEqual(await askSize(page, "small"), await shownSize(page));
  await untilShown(one.page, /^small=/);
  assert.deepEqual(await askSize(one.page, "large"), await shownSize(one.page));
});

test("a recording is played, faster, and from any place", { skip }, async () => {
  const script = "echo start; sleep 0.4; stty cols 100 rows 20; printf '\\033[32mmiddle\\033[0m\\n'; sleep 0.4; echo finish";
  const { id } = await shared.gateway.exec({ command: ["sh", "-c", script], tty: true, cols: 90, rows: 16 });
  await using tab = await shared.open({ viewport: { width: 1000, height: 560 }, colorScheme: "light" });
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
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  assert.equal((await download).suggestedFilename(), `${id}.cast`);
  assert.deepEqual(tab.complaints, []);
});
