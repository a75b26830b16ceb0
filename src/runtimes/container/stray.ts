import { ExecgateError } from "../../errors.ts";
import type { Process, Termination } from "../../exec/runtime.ts";

const nothing = (): Promise<undefined> => Promise.resolve(undefined);

/**
 * A command that may run, but not as it was meant to: what it says is handed to nobody, nothing is written to it, and how
 * it ends is not known. It is a process all the same, because nobody is to hear that it never ran.
 * @param kill ends it, where that is not under way already
 */
export function strayProcess(
  why: string,
  kill: () => Promise<Termination> = async () => "bestEffort",
  onRelease: (released: Process) => void = () => undefined,
): Process {
  const exit = Promise.reject(new ExecgateError("RUNTIME_UNAVAILABLE", why));
  // Who does not ask for the exit is not to be ended by a rejection that nobody handles.
  exit.catch(() => undefined);
  const stray: Process = {
    output: { next: nothing, cut: () => undefined, complete: false },
    exit,
    write: nothing,
    endInput: nothing,
    resize: nothing,
    signal: nothing,
    terminate: kill,
    release: () => onRelease(stray),
  };
  return stray;
}
