import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";
import { launchChromium, openTab, withoutChromium as skip } from "../e2e/browser.ts";
import { rendererBytes } from "../e2e/renderer-memory.ts";
import { typeLine, untilShown, untilState } from "../e2e/terminal-page.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";
import { testToken } from "../fixtures/token.ts";

const mb = 1_000_000;

promise(
  "P1",
  "a flood in the page is stopped at once, and neither side grows by it",
  async function* (scale) {
    const seconds = scale === "full" ? 10 : 2;
    await using gateway = await GatewayProcess.spawn();
    const browser = await launchChromium();
    try {
      await using tab = await openTab(browser, `${await gateway.url()}/#token=${testToken}`, { viewport: { width: 1000, height: 600 } });
      const { page } = tab;
      await untilState(page, "connected");
      // The first flood has code compiled and buffers made, which stay.
      await typeLine(page, "yes");
      await untilShown(page, /^y$/);
      await delay(500);
      await stop(page);
      await typeLine(page, "clear");
      const pageBefore = await rendererBytes(browser, page);
      const { now: gatewayBefore } = gateway.memory();
      gateway.forgetPeak();
      await typeLine(page, "yes");
      await untilShown(page, /^y$/);
      await delay(seconds * 1000);
      const promptMs = await stop(page);
      // Beside other tests there is no telling who waits for the processor.
      const limit = scale === "full" ? 150 : 1500;
      yield { what: `^C after ${seconds} s of yes, until the prompt is there`, measured: promptMs, limit, unit: "ms" };
      yield {
        what: "growth of the page's process",
        measured: ((await rendererBytes(browser, page)) - pageBefore) / mb,
        limit: 50,
        unit: "MB",
      };
      yield { what: "growth of the gateway at its peak", measured: (gateway.memory().peak - gatewayBefore) / mb, limit: 8, unit: "MB" };
      await typeLine(page, "echo al''ive");
      await untilShown(page, /^alive/);
    } finally {
      await browser.close();
    }
  },
  { skip },
);

/** Presses ^C, and says how long it took from the key to the prompt on the screen, both as the page itself sees them. */
async function stop(page: Page): Promise<number> {
  const stopwatch = await page.evaluateHandle(() => {
    const measured = new Promise<number>((resolve) => {
      const listen = (event: KeyboardEvent): void => {
        if (event.key !== "c" || !event.ctrlKey) return;
        removeEventListener("keydown", listen, { capture: true });
        const beganMs = performance.now();
        const look = (): void => {
          const rows = [...document.querySelectorAll(".xterm-rows > div")].map((row) => row.textContent?.trim());
          if (rows.findLast((row) => row !== "") === "$") resolve(performance.now() - beganMs);
          else requestAnimationFrame(look);
        };
        look();
      };
      addEventListener("keydown", listen, { capture: true });
    });
    return { measured };
  });
  await page.keyboard.press("Control+c");
  return await stopwatch.evaluate(({ measured }) => measured);
}
