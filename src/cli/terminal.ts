import { spawnSync } from "node:child_process";
import type { ClientIo } from "./io.ts";

/** The size of the terminal that output goes to, or undefined where there is none or it does not say. */
export function localSize({ stdout }: ClientIo): { cols: number; rows: number } | undefined {
  const { isTTY, columns = 0, rows = 0 } = stdout;
  return isTTY && columns > 0 && rows > 0 ? { cols: columns, rows } : undefined;
}

/** Calls `changed` for every new size. Returns the way to stop. */
export function watchSize(io: ClientIo, changed: (cols: number, rows: number) => void): () => void {
  const listener = (): void => {
    const size = localSize(io);
    if (size !== undefined) changed(size.cols, size.rows);
  };
  io.stdout.on("resize", listener);
  return () => io.stdout.off("resize", listener);
}

/**
 * Puts the terminal on stdin in raw mode, so that every key goes to the command. Returns the way back, which is harmless to
 * call twice; the end of the process takes it too, however it comes about.
 */
export function enterRawMode({ stdin, signals }: ClientIo): () => void {
  let isRaw = true;
  const leave = (): void => {
    if (isRaw) stdin.setRawMode?.(false);
    isRaw = false;
    signals.off("exit", leave);
  };
  signals.on("exit", leave);
  stdin.setRawMode?.(true);
  if (stdin.fd !== undefined) stopOutputProcessing(stdin.fd);
  return leave;
}

/**
 * Node's raw mode still turns each newline into a carriage return and a newline, which moves the cursor of a program that
 * asked its own terminal for the opposite. The mode that Node restores is the one from before both changes.
 */
function stopOutputProcessing(fd: number): void {
  spawnSync("stty", ["-opost"], { stdio: [fd, "ignore", "ignore"] });
}
