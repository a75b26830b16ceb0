import { constants } from "node:os";
import { type Exit, type Signal, signals } from "../exec/runtime.ts";

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

/** The exit in the words of the interface, from the exit code or the number of the signal. */
export function toExit(code: number | null, signal: number | null): Exit {
  return signal === null ? { code: code ?? 0, signal: null } : { code: 128 + signal, signal: signalName(signal) };
}
