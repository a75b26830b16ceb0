import type { Page } from "playwright-core";

/** Waits until the page's status says `state`. */
export async function untilState(page: Page, state: "connected" | "reconnecting" | "ended" | "asking"): Promise<void> {
  await page.locator(`#status[data-state="${state}"]`).waitFor();
}

/** Of several terminals the one that is seen. */
const inFront = ".panel:not([hidden])";

/** The text of the terminal in front. */
export async function shown(page: Page): Promise<string> {
  return (await page.locator(`${inFront} .xterm-rows > div`).allInnerTexts()).join("\n");
}

/** The words of the status line. */
export async function words(page: Page): Promise<string> {
  return (await page.locator("#words").textContent()) ?? "";
}

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** The size that the page says its terminal has. */
export async function shownSize(page: Page): Promise<Size> {
  const [cols, rows] = ((await page.locator("#size").textContent()) ?? "").split(" × ").map(Number);
  return { cols: cols ?? Number.NaN, rows: rows ?? Number.NaN };
}

/** Types a command line, once the shell asks for one: what is typed ahead would stand before its prompt. */
export async function typeLine(page: Page, line: string): Promise<void> {
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll(".panel:not([hidden]) .xterm-rows > div")].map((row) => row.textContent.trim());
    return rows.findLast((row) => row !== "") === "$";
  });
  await page.keyboard.type(line);
  await page.keyboard.press("Enter");
}

/** Waits until the terminal shows what `pattern` finds, and returns the match. */
export async function untilShown(page: Page, pattern: RegExp): Promise<RegExpExecArray> {
  const rows = page.locator(`${inFront} .xterm-rows > div`);
  await rows.filter({ hasText: pattern }).first().waitFor();
  const found = (await rows.allInnerTexts()).map((text) => pattern.exec(text)).find((match) => match !== null);
  if (found === undefined) throw new Error(`${pattern} was on the screen and is gone`);
  return found;
}

/** What a command on the terminal finds the terminal's size to be. The mark tells one answer from another, and is not in the line typed. */
export async function askSize(page: Page, mark: string): Promise<Size> {
  await typeLine(page, `echo ${mark}'='$(stty size)`);
  const [, rows, cols] = await untilShown(page, new RegExp(`^${mark}=(\\d+) (\\d+)`));
  return { cols: Number(cols), rows: Number(rows) };
}
