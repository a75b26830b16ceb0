import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { type Signal, signals } from "../../exec/runtime.ts";

const names = new Map<number, Signal>(signals.map((name) => [constants.signals[name], name]));

/** The name of a signal, or null for the real-time ones, which have none. */
export function signalName(number: number): Signal | null {
  return names.get(number) ?? null;
}

/** Sends a signal to a process (pid) or group (-pid); one that has ended takes none. */
export function sendSignal(to: number, name: Signal): void {
  try {
    process.kill(to, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/**
 * The foreground process group of the terminal that `leader` is in control of, or undefined. It is read synchronously:
 * a file of the kernel, which waits for no disk, and must not be stale when the signal is sent.
 */
export function foregroundGroup(leader: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${leader}/stat`, "latin1");
    // The name in brackets may hold spaces and brackets; tpgid is field 8, the sixth behind it.
    const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[5]);
    return group > 1 ? group : undefined;
  } catch {
    return undefined;
  }
}
