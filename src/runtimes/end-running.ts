import type { Process } from "../exec/runtime.ts";

/** Ends what a runtime that is closed still has running, and lets go of it. */
export async function endRunning(running: Iterable<Process>): Promise<void> {
  const end = async (command: Process): Promise<void> => {
    await command.terminate().catch(() => undefined);
    command.release();
  };
  await Promise.all(Array.from(running, end));
}
