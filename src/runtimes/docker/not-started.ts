import { ExecgateError } from "../../errors.ts";
import type { ExecSpec } from "../../exec/runtime.ts";
import { isFull } from "./containers.ts";
import type { Engine } from "./engine.ts";
import { isUserError, userNotFound } from "./exec.ts";

/** Whether what the daemon says of a start is that the image has no shell to stand before the command. */
export function isShellMissing(text: string): boolean {
  return /\/bin\/sh/.test(text) && isAbsent(text);
}

/**
 * The refusal that a daemon means by its text. It has no other word for why a command was not started: the text comes where the
 * output would, and is the runtime's (runc, crun) below it.
 */
export async function notStarted(engine: Engine, containerId: string, text: string, spec: ExecSpec): Promise<ExecgateError> {
  const said = text.trim().slice(0, 300);
  const error = (code: ConstructorParameters<typeof ExecgateError>[0], what: string, field?: string) =>
    new ExecgateError(code, said === "" ? what : `${what} (${said})`, field === undefined ? {} : { field });
  if (isUserError(text)) return userNotFound(spec.user);
  if (/\bcwd\b|chdir/i.test(text)) return error("CWD_NOT_FOUND", "The directory cannot be entered in the container.", "cwd");
  if (isAbsent(text)) return error("COMMAND_NOT_FOUND", "The command was not found in the container.", "command");
  if (/permission denied|exec format error|is a directory/i.test(text)) {
    return error("COMMAND_NOT_EXECUTABLE", "The command cannot be executed.", "command");
  }
  if (/temporarily unavailable|cannot allocate memory|no space left/i.test(text) || (await isFull(engine, containerId))) {
    return error("OVERLOADED", "The container has no room for another process.");
  }
  return error("RUNTIME_UNAVAILABLE", "The daemon could not start the command.");
}

function isAbsent(text: string): boolean {
  return /not found|no such file or directory/i.test(text);
}
