import { ExecgateError } from "../../errors.ts";
import type { Process } from "../../exec/runtime.ts";

/**
 * What a start gives that can neither say that the command runs nor that it does not: a command of which nothing will be known. Whoever
 * asked for it does not try again, and whoever started it ends it as soon as it can be reached.
 */
export function lostCommand(): Process {
  const exit = Promise.reject(new ExecgateError("RUNTIME_UNAVAILABLE", "Nobody said in time whether the command runs."));
  exit.catch(() => undefined);
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    output: { next: () => Promise.resolve(undefined), cut: () => undefined, complete: false },
    exit,
    write: nothing,
    endInput: nothing,
    resize: nothing,
    signal: nothing,
    terminate: () => Promise.resolve("bestEffort"),
    release: () => undefined,
  };
}
