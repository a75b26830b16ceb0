import { readdirSync, readFileSync } from "node:fs";
import { startFlags } from "../fixtures/start-flags.ts";

/** Which of the gateway's threads took processor time, and its commands. */
export const parties = {
  loop: "the event loop",
  helpers: "V8's threads, which collect garbage and compile",
  pool: "the thread pool, which writes the audit trail",
  launchers: "the launchers",
  commands: "the commands, from clone on",
} as const;

export type Party = keyof typeof parties;

/** Before there is any further one, V8 has started a thread for delayed tasks and its pool, and Node one that awaits the inspector's signal. */
const helperThreads = 2 + poolSize();
/** The kernel counts the time of children in these, milliseconds. */
const tickMs = 10;

/** The processor time that each has taken so far, microseconds. */
export function processorTimes(pid: number): Record<Party, number> {
  const times = { loop: 0, helpers: 0, pool: 0, launchers: 0, commands: timeOfChildren(pid) };
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  for (const [i, tid] of threads.sort((a, b) => a - b).entries()) {
    const [ns = 0] = readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "latin1").split(" ").map(Number);
    times[partyOf(i, readFileSync(`/proc/${pid}/task/${tid}/comm`, "latin1").trim())] += ns / 1000;
  }
  return times;
}

function partyOf(position: number, name: string): Party {
  if (name === "launcher") return "launchers";
  if (position === 0) return "loop";
  return position <= helperThreads ? "helpers" : "pool";
}

/** Of those that have been waited for. */
function timeOfChildren(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) * tickMs * 1000;
}

/** As `npm start` says it. */
function poolSize(): number {
  return Number(startFlags.find((flag) => flag.startsWith("--v8-pool-size="))?.split("=")[1] ?? 4);
}
