import type { Exit, Signal, Termination } from "../../exec/runtime.ts";

/** The processes of one command: the command itself and everything that it has brought forth. */
export interface Tree {
  /** How the command itself ended; rejects when that will never be known. */
  readonly exit: Promise<Exit>;
  /** Sends a signal to the command's process group. Harmless after the end. */
  signal(name: Signal): void;
  /** Ends all of it. Idempotent, harmless when nothing is left. */
  end(): Promise<Termination>;
  /** Gives up the tree, leaving alone what is left of it; true when that is known to be nothing. Called once. */
  release(): boolean;
}

/** How long an end is waited for. What cannot even be killed, in a wait for a disk, is not waited for longer than this. */
export const endMsMax = 3500;
