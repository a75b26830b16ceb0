import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** What a descriptor is waited for. */
export const READABLE = 1;
export const WRITABLE = 2;

/** Calls back once for each event that it was armed for; a broken descriptor counts as ready. */
export interface Poll {
  arm(events: number): void;
  disarm(events: number): void;
  /** Does not keep the process from ending. */
  unref(): void;
  close(): void;
}

/** The part of the addon that every runtime may use. What gives a number gives a negative errno when it fails; nothing but the constructor throws. */
export interface DescriptorAddon {
  readonly Poll: new (fd: number, callback: (events: number) => void) => Poll;
  read(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  write(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  available(fd: number): number;
  close(fd: number): number;
  closeOnExec(fd: number): number;
  /** A descriptor that holds the lock of a directory, which whoever has it is given `waitMs` to let go of. */
  lock(directory: string, waitMs: number): number;
  /** A FIFO that only the gateway's own user may open. */
  makeFifo(path: string): number;
  /** A descriptor that reads the file at `path` as a process whose root is `root` sees it: no link leads out. */
  openIn(root: string, path: string): number;
  /** A descriptor of any process, readable when it has ended. */
  openProcess(pid: number): number;
  /** How the process of `openProcess` ended; undefined until its parent has reaped it, -errno where the kernel does not tell (before 6.15). */
  endOf(pidfd: number): { readonly code: number | null; readonly signal: number | null } | number | undefined;
}

/**
 * How long a start waits for the lock of a directory that gateways share, milliseconds. It is held for moments; after that
 * the start goes on, and leaves to the next one what it would have looked for in there.
 */
export const lockMsMax = 2000;

/** It is compiled on Linux only; elsewhere the host's fallback, which uses nothing of it, is all there is. */
export const addon: DescriptorAddon = process.platform === "linux" ? load() : ({} as DescriptorAddon);

function load(): DescriptorAddon {
  return createRequire(import.meta.url)(builtPath("spawn.node")) as DescriptorAddon;
}

/** Where what the host runtime's `native/` compiles to lies: beside its source, which is four folders above the compiled module. */
export function builtPath(name: string): string {
  return fileURLToPath(new URL(`../../../../src/runtimes/host/native/build/Release/${name}`, import.meta.url));
}
