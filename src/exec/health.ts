import { type Clock, within } from "./clock.ts";
import type { Runtime } from "./runtime.ts";

/** Whether a runtime answers. */
export interface Health {
  readonly up: boolean;
  /** Why it is taken for down. */
  readonly reason?: string;
}

/** How long a runtime may take to say that it is up, milliseconds. */
const answerMsMax = 2000;

/** Asks `runtime` whether it answers; one that says nothing in time does not. Never rejects. */
export async function askHealth(runtime: Runtime, clock: Clock): Promise<Health> {
  const giveUp = new AbortController();
  let health: Health = { up: false, reason: "It does not answer." };
  const asked = runtime.ping(giveUp.signal).then(
    () => {
      health = { up: true };
    },
    (cause: unknown) => {
      health = { up: false, reason: cause instanceof Error ? cause.message : "unknown" };
    },
  );
  const isInTime = await within(clock, answerMsMax, asked);
  const found = health;
  if (!isInTime) giveUp.abort();
  return found;
}
