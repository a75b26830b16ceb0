import { setTimeout as delay } from "node:timers/promises";
import { findProgram } from "../fixtures/programs.ts";

/** Why a part is skipped that needs these programs; undefined when all are there. */
export function missingProgram(...names: readonly string[]): string | undefined {
  const name = names.find((one) => findProgram(one) === undefined);
  return name && `there is no ${name} on this machine`;
}

/** Tries again until `attempt` succeeds. @throws what it failed with at last */
export async function persist<T>(attempt: () => Promise<T>, deadlineMs = 5000): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (performance.now() > deadline) throw cause;
      await delay(50);
    }
  }
}
