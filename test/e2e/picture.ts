import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

/** Keeps a picture for the README, where `EXECGATE_TEST_PICTURES` wants it; tests look at nothing in it. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.EXECGATE_TEST_PICTURES === undefined) return;
  await page.screenshot({ path: fileURLToPath(new URL(`../../../test/e2e/${name}.png`, import.meta.url)) });
}
