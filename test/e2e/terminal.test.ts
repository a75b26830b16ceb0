import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { testToken } from "../fixtures/token.ts";
import { until } from "../fixtures/until.ts";
import { launchChromium, openTab, withoutChromium as skip } from "./browser.ts";
import { sharePage } from "./shared-page.ts";
import { shownSize, typeLine, untilShown, untilState } from "./terminal-page.ts";

const shared = sharePage();
const withClipboard = { permissions: ["clipboard-read", "clipboard-write"] };

test("output in colour, of any character and much of it arrives with no complaint and no request to elsewhere", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "printf '\\033[38;2;160;40;0m%s\\033[0m\\n' gr''ün");
  await untilShown(page, /^grün/);
  assert.equal(await page.getByText("grün", { exact: true }).evaluate((cell) => getComputedStyle(cell).color), "rgb(160, 40, 0)");
  await typeLine(page, "seq 300000; echo the e''nd");
  await untilShown(page, /^the end/);
  await untilShown(page, /^300000/);
  assert.deepEqual(tab.complaints, []);
  const { host } = new URL(shared.gateway.url);
  assert.deepEqual(
    tab.requests.filter((request) => new URL(request).host !== host),
    [],
  );
  assert.equal(
    tab.requests.some((request) => request.includes(testToken)),
    false,
  );
});

test("escape sequences change nothing but the screen", { skip }, async () => {
  await using tab = await shared.open();
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

test("a command's text comes into the clipboard by a click only, and what is there goes to no command", { skip }, async () => {
  await using tab = await shared.open(withClipboard);
  const { page } = tab;
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
  // By the keyboard alone.
  await page.evaluate(() => navigator.clipboard.writeText("from before"));
  await typeLine(page, copy);
  await page.getByRole("alert").getByText("The command wants this in your clipboard").waitFor();
  await page.keyboard.press("Control+F6");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await until("the text", async () => (await page.evaluate(() => navigator.clipboard.readText())) === "from the command");
  await typeLine(page, "printf '\\033]52;c;?\\a'; read -r -t 1 line; echo got-$line-");
  await page.keyboard.press("Enter");
  await untilShown(page, /^got--/);
});

/** A place in the middle of a line of the terminal, which draws above its text what the mouse is to reach. */
async function placeOf(page: Page, text: string): Promise<readonly [x: number, y: number]> {
  const box = await page.getByText(text, { exact: true }).last().boundingBox();
  assert.ok(box !== null);
  return [box.x + 40, box.y + box.height / 2];
}

test("what is selected is copied, and what is pasted is told to be pasted", { skip }, async () => {
  await using tab = await shared.open(withClipboard);
  const { page } = tab;
  await untilState(page, "connected");
  await typeLine(page, "clear; echo sel''ected");
  await untilShown(page, /^selected/);
  await page.evaluate(() => navigator.clipboard.writeText("from before"));
  await page.keyboard.press("Control+Shift+C");
  await page.mouse.dblclick(...(await placeOf(page, "selected")));
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "from before", "nothing is selected");
  await page.keyboard.press("Control+Shift+C");
  await until("the word", async () => (await page.evaluate(() => navigator.clipboard.readText())) === "selected");
  await page.evaluate(() => navigator.clipboard.writeText("two\nlines"));
  await typeLine(page, "printf '\\033[?2004h'; echo rea''dy; cat -v");
  await untilShown(page, /^ready/);
  await page.keyboard.press("Control+Shift+V");
  await page.keyboard.press("Enter");
  await untilShown(page, /^\^\[\[200~two/);
  await untilShown(page, /^lines\^\[\[201~/);
});

test("wide characters take two columns, as commands count them", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  // Two ideographs and an emoji, then the question where the cursor is.
  const ask = String.raw`printf "\346\274\242\345\255\227\360\237\231\202\033[6n"; read -rs -d R at; echo "=$at" | cat -v`;
  await typeLine(page, `bash -c '${ask}'`);
  assert.equal((await untilShown(page, /=\^\[\[\d+;(\d+)/))[1], "7");
});

test("in screen reader mode the screen is there as text, and new lines are said", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  assert.equal(await page.locator(".xterm-accessibility").count(), 0);
  await page.getByRole("button", { name: "Settings and keys" }).click();
  await page.getByRole("switch", { name: "Screen reader mode" }).check();
  await page.keyboard.press("Escape");
  await typeLine(page, "echo he''ard");
  await page
    .locator(".xterm-accessibility")
    .getByRole("listitem")
    .filter({ hasText: /^heard/ })
    .waitFor();
  await page.locator(".xterm-accessibility [aria-live]").getByText("heard").waitFor();
});

test("only addresses of the web are links", { skip }, async () => {
  await using tab = await shared.open();
  const { page } = tab;
  await untilState(page, "connected");
  const address = `${shared.gateway.url}/healthz`;
  await typeLine(page, `clear; echo ${address}''; echo 'javascript:alert(1) file:///etc/passwd'`);
  await page.mouse.move(...(await placeOf(page, address)), { steps: 3 });
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
  await page.mouse.click(...(await placeOf(page, "javascript:alert(1) file:///etc/passwd")));
  assert.equal(others, 0);
});

test("a machine with WebGL draws by it, and by elements once that is lost", { skip }, async (t) => {
  const withWebgl = await launchChromium({ hasWebgl: true });
  t.after(() => withWebgl.close());
  await using tab = await openTab(withWebgl, shared.url);
  const { page } = tab;
  await untilState(page, "connected");
  const canvas = page.locator(".xterm-screen canvas:not(.xterm-link-layer)").first();
  await canvas.waitFor();
  await page.keyboard.type("echo dra''wn");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".xterm-rows").count(), 0);
  assert.deepEqual(
    tab.complaints.filter((complaint) => !complaint.includes("GL Driver Message")),
    [],
  );
  const colours = (): Promise<number> =>
    canvas.evaluate((element: HTMLCanvasElement) => {
      const copy = Object.assign(document.createElement("canvas"), { width: element.width, height: element.height });
      const context = copy.getContext("2d");
      context?.drawImage(element, 0, 0);
      return new Set(new Uint32Array(context?.getImageData(0, 0, copy.width, copy.height).data.buffer ?? new ArrayBuffer(0))).size;
    });
  await until("what is on the screen to be there for a printer", async () => (await colours()) > 10);
  await canvas.evaluate((element: HTMLCanvasElement) => element.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext());
  await untilShown(page, /^drawn/);
});
