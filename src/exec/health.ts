import { type Clock, within } from "./clock.ts";
import type { Runtime } from "./runtime.ts";
import { SharedRun } from "./shared-run.ts";

/** Whether a runtime answers. */
export interface Health {
  readonly up: boolean;
  /** Why it is taken for down. */
  readonly reason?: string;
}

/** How long a runtime may take to say that it is up, milliseconds. */
const answerMsMax = 2000;

/** How long an answer is good for whoever else asks, milliseconds. */
const keptMs = 250;

/** One question at a time to each runtime: everybody may ask, and some runtimes pass it on to a server that counts. */
const questions = new WeakMap<Runtime, SharedRun<Health>>();

/** Whether `runtime` answers, by now or a quarter of a second ago; one that says nothing in time does not. Never rejects. */
export function askHealth(runtime: Runtime, clock: Clock): Promise<Health> {
  const known = questions.get(runtime);
  if (known !== undefined) return known.get();
  const made = new SharedRun(() => ask(runtime, clock), keptMs, clock);
  questions.set(runtime, made);
  return made.get();
}

async function ask(runtime: Runtime, clock: Clock): Promise<Health> {
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
