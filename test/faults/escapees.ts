import { marker, processesWith } from "../conformance/process.ts";
import { until } from "../fixtures/until.ts";

/** Ways in which processes get away from whoever only kills a pid or a process group, each with a `sleep MARK`. */
const escapes = {
  background: "sleep MARK &",
  "a session of its own": "setsid sleep MARK &",
  "a double fork": "(setsid sh -c 'sleep MARK & exit' &)",
  "deaf to signals": "(trap '' TERM HUP INT QUIT; exec sleep MARK) &",
  "an empty environment": "env -i sleep MARK &",
  "the command itself": "sleep MARK",
} as const;

/** How many processes one troop has. */
export const troopSize = Object.keys(escapes).length;

/** A command whose processes escape in every way, found again by their mark. */
export interface Troop {
  readonly mark: string;
  readonly command: readonly string[];
}

export function createTroop(): Troop {
  const mark = marker();
  return { mark, command: ["sh", "-c", Object.values(escapes).join("\n").replaceAll("MARK", mark)] };
}

/** Waits until every process of the troop is there. */
export async function untilComplete({ mark }: Troop): Promise<void> {
  await until("whole troop", async () => (await processesWith(mark)).length === troopSize, 10_000);
}

/** Milliseconds until none of the troop is left, at most ten seconds. */
export async function untilGone({ mark }: Troop): Promise<number> {
  const beganMs = performance.now();
  await until("end of the troop", async () => (await processesWith(mark)).length === 0, 10_000);
  return performance.now() - beganMs;
}
