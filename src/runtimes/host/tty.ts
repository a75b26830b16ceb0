import { createRequire } from "node:module";
import { ExecgateError } from "../../errors.ts";
import type { Size } from "../../exec/runtime.ts";
import { native } from "./native.ts";

/** The part of node-pty that is used. Its typings leave this out, so the version is pinned and the parts are checked. */
interface PtyBinding {
  open(cols: number, rows: number): { readonly master: number; readonly slave: number; readonly pty: string };
  resize(fd: number, cols: number, rows: number): void;
}

/** Both ends of a terminal; the command gets copies of the slave. */
export interface Terminal {
  readonly master: number;
  readonly slave: number;
}

let binding: PtyBinding | undefined;

/** Loads node-pty's binding. @throws Error when it is not the one that this file was written for */
export function loadTerminals(): PtyBinding {
  if (binding) return binding;
  const utils = createRequire(import.meta.url)("node-pty/lib/utils.js") as {
    loadNativeModule(name: string): { module: Partial<PtyBinding> };
  };
  const { open, resize } = utils.loadNativeModule("pty").module;
  if (typeof open !== "function" || typeof resize !== "function")
    throw new Error("node-pty has no native open and resize: install the pinned version");
  binding = { open, resize };
  return binding;
}

/**
 * Opens a terminal. Only the allocation is node-pty's: its reader loses what is written last, because a terminal whose
 * last slave is closed says so before its data has been read. The caller keeps the slave until the command has ended.
 * @throws OVERLOADED when there are no descriptors or terminals left
 */
export function openTerminal(size: Size): Terminal {
  try {
    const { master, slave } = loadTerminals().open(size.cols, size.rows);
    native.closeOnExec(master);
    native.closeOnExec(slave);
    return { master, slave };
  } catch (cause) {
    throw new ExecgateError("OVERLOADED", "No further terminal can be opened now.", {}, { cause });
  }
}

/** Closes both ends of a terminal that got no command. */
export function closeTerminal({ master, slave }: Terminal): void {
  native.close(master);
  native.close(slave);
}

/** Sets a terminal's size; a terminal that is gone has none. */
export function resizeTerminal(master: number, size: Size): void {
  try {
    loadTerminals().resize(master, size.cols, size.rows);
  } catch {
    // The slaves were hung up: nobody is left who could look at the size.
  }
}
