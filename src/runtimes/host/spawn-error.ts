import type { SpawnFailure } from "./native.ts";

/** The addon could not start the command. */
export class SpawnError extends Error {
  readonly failure: SpawnFailure;

  constructor(failure: SpawnFailure) {
    super(`${failure.stage}: errno ${failure.errno}`);
    this.failure = failure;
  }
}
