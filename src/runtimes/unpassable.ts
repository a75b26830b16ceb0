import { ExecgateError } from "../errors.ts";
import type { ExecSpec } from "../exec/runtime.ts";

/** @throws BAD_REQUEST naming the field of what no kernel passes on to a command */
export function refuseUnpassable({ command, cwd, env }: ExecSpec): void {
  const nul = command.findIndex((argument) => argument.includes("\0"));
  if (nul >= 0) throw refusal("command: a NUL byte cannot be passed on.", `command.${nul}`);
  if (cwd?.includes("\0")) throw refusal("cwd: a NUL byte cannot be passed on.", "cwd");
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || /[=\0]/.test(name)) throw refusal(`env: ${JSON.stringify(name)} cannot be the name of a variable.`, "env");
    if (value.includes("\0")) throw refusal(`env.${name}: a NUL byte cannot be passed on.`, `env.${name}`);
  }
}

function refusal(message: string, field: string): ExecgateError {
  return new ExecgateError("BAD_REQUEST", message, { field });
}
