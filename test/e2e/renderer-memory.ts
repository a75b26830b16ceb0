import type { Browser, Page } from "playwright-core";
import { residentBytes } from "../fixtures/resident-bytes.ts";

/** Resident memory of the process that draws the page, in bytes, once its garbage is collected. */
export async function rendererBytes(browser: Browser, page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await session.detach();
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
  await whole.detach();
  const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => residentBytes(id));
  return Math.max(...renderers);
}
