import { systemClock, within } from "./exec/clock.ts";

/** Resolves when everything has ended, when the time is over, or when somebody is in a hurry. */
export async function waitForEnd(end: Promise<void>, ms: number, hurry: AbortSignal | undefined): Promise<void> {
  const hurried = new Promise<void>((resolve) => {
    if (hurry?.aborted) resolve();
    hurry?.addEventListener("abort", () => resolve(), { once: true });
  });
  await within(systemClock, ms, Promise.race([end, hurried]));
}
