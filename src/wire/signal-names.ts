import type { Signal } from "../exec/runtime.ts";

/** A list of its own, because this folder is bundled into the page and sees only types of the core; the type holds the two together. */
const known = {
  SIGHUP: true,
  SIGINT: true,
  SIGQUIT: true,
  SIGILL: true,
  SIGTRAP: true,
  SIGABRT: true,
  SIGBUS: true,
  SIGFPE: true,
  SIGKILL: true,
  SIGUSR1: true,
  SIGSEGV: true,
  SIGUSR2: true,
  SIGPIPE: true,
  SIGALRM: true,
  SIGTERM: true,
  SIGSTKFLT: true,
  SIGCHLD: true,
  SIGCONT: true,
  SIGSTOP: true,
  SIGTSTP: true,
  SIGTTIN: true,
  SIGTTOU: true,
  SIGURG: true,
  SIGXCPU: true,
  SIGXFSZ: true,
  SIGVTALRM: true,
  SIGPROF: true,
  SIGWINCH: true,
  SIGIO: true,
  SIGPWR: true,
  SIGSYS: true,
} as const satisfies Readonly<Record<Signal, true>>;

/** Whether `name` is a signal that can be sent. */
export function isSignal(name: unknown): name is Signal {
  return typeof name === "string" && Object.hasOwn(known, name);
}
