import { spawnSync } from "node:child_process";
import type { ClientIo } from "./io.ts";

/** The size of the terminal that output goes to, or undefined where there is none or it does not say. */
export function localSize({ stdout }: ClientIo): { cols: number; rows: number } | undefined {
  const { isTTY, columns = 0, rows = 0 } = stdout;
  return isTTY && columns > 0 && rows > 0 ? { cols: columns, rows } : undefined;
}

/** Calls `changed` for every new size. Returns the way to stop. A client that goes on after it was stopped looks at the size itself: it was told of none. */
export function watchSize(io: ClientIo, changed: (cols: number, rows: number) => void): () => void {
  const listener = (): void => {
    const size = localSize(io);
    if (size !== undefined) changed(size.cols, size.rows);
  };
  // Node asks the terminal for its size when this signal comes, and only then.
  const look = (): void => void process.kill(process.pid, "SIGWINCH");
  io.stdout.on("resize", listener);
  io.signals.on("SIGCONT", look);
  return () => {
    io.stdout.off("resize", listener);
    io.signals.off("SIGCONT", look);
  };
}

/**
 * Puts the terminal on stdin in raw mode, so that every key goes to the command. Returns the way back, which is harmless to
 * call twice; the end of the process takes it too, however it comes about.
 */
export function enterRawMode({ stdin, signals }: ClientIo): () => void {
  let isRaw = true;
  const enter = (): void => {
    stdin.setRawMode?.(true);
    if (stdin.fd !== undefined) stopOutputProcessing(stdin.fd);
  };
  // While the client was stopped, a shell has set the terminal to what it needs itself. Node does nothing for a mode that it is in already.
  const enterAgain = (): void => {
    stdin.setRawMode?.(false);
    enter();
  };
  const leave = (): void => {
    if (isRaw) stdin.setRawMode?.(false);
    isRaw = false;
    signals.off("exit", leave);
    signals.off("SIGCONT", enterAgain);
  };
  signals.on("exit", leave);
  signals.on("SIGCONT", enterAgain);
  enter();
  return leave;
}

/** Stops the client, and whoever runs it, as ^Z does where the terminal is not raw. */
export function suspend({ stdin }: ClientIo): void {
  stdin.setRawMode?.(false);
  process.kill(0, "SIGTSTP");
}

/**
 * Node's raw mode still turns each newline into a carriage return and a newline, which moves the cursor of a program that
 * asked its own terminal for the opposite. The mode that Node restores is the one from before both changes.
 */
function stopOutputProcessing(fd: number): void {
  spawnSync("stty", ["-opost"], { stdio: [fd, "ignore", "ignore"] });
}
