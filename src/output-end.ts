import type { Writable } from "node:stream";

/** What the program exits with that could not do its work; no common command uses it for itself. */
export const failedStatus = 255;
/** 128 + SIGPIPE: whoever read the output has gone, which is no news to the person. */
const brokenPipeStatus = 141;

/** The output could not be written; the cause says why. */
export class OutputError extends Error {
  override readonly name = "OutputError";

  constructor(cause: Error) {
    super(`cannot write the output: ${cause.message}`, { cause });
  }
}

/** A place to write texts to. */
export interface TextOutput extends Pick<Writable, "write"> {
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** Where a command writes. Node's `process` is one. */
interface Outputs {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

/**
 * Runs a command, and tells of output that could not be written: by 141 where its reader is gone, as after `| head`, else by
 * a sentence and 255. A status that tells of another failure stays.
 */
export async function watchOutput({ stdout, stderr }: Outputs, run: () => Promise<number>): Promise<number> {
  let failure: OutputError | undefined;
  stdout.on("error", (cause: Error) => {
    failure ??= new OutputError(cause);
  });
  // Nobody is there to be told of a complaint that nobody reads.
  stderr.on("error", () => undefined);
  let status = 0;
  try {
    status = await run();
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    failure ??= error;
  }
  // Node tells of a write that failed a moment later.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure === undefined || status !== 0) return status;
  if ((failure.cause as NodeJS.ErrnoException).code === "EPIPE") return brokenPipeStatus;
  stderr.write(`execgate: ${failure.message}\n`);
  return failedStatus;
}
