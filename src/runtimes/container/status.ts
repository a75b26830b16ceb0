import { constants } from "node:os";
import { type Exit, type Signal, signals } from "../../exec/runtime.ts";

/** Those by which no command ends: they are ignored, stop it or let it go on. */
const harmless = new Set<Signal>(["SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGWINCH"]);

const fatal = new Map<number, Signal>(signals.filter((name) => !harmless.has(name)).map((name) => [128 + constants.signals[name], name]));

/** Whether a daemon says of a signal and of an exit in the same words that this was how a command ended: signal n is 128 + n, as in a shell. */
export function isAmbiguous(status: number): boolean {
  return fatal.has(status);
}

/** The exit in the words of the interface. What may have been a signal is taken for it. */
export function fromStatus(status: number): Exit {
  return { code: status, signal: fatal.get(status) ?? null };
}
