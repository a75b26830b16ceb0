import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { ExecgateError } from "../../errors.ts";
import { searchPath } from "./environment.ts";
import { SpawnError } from "./spawn-error.ts";

const { E2BIG, EAGAIN, EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOEXEC, ENOMEM, ENOSPC, ENOTDIR } = constants.errno;

const exhausted = new Set<number>([EMFILE, ENFILE, EAGAIN, ENOMEM, ENOSPC]);
const missing = new Set<number>([ENOENT, ENOTDIR, ENAMETOOLONG]);

/** Says in the words of the interface why a command was not started. */
export function toStartError(thrown: unknown, command: string, cwd: string | undefined): unknown {
  if (thrown instanceof SpawnError) return startError(thrown, command, cwd);
  const errno = -((thrown as NodeJS.ErrnoException).errno ?? 0);
  if (!exhausted.has(errno)) return thrown;
  return new ExecgateError("OVERLOADED", "The host has no room for another command now.", {}, { cause: thrown });
}

function startError({ failure: { errno, stage } }: SpawnError, command: string, cwd: string | undefined): ExecgateError {
  const cause = new Error(`${stage}: ${getSystemErrorName(-errno)}`);
  const error = (code: ConstructorParameters<typeof ExecgateError>[0], message: string, field?: string) =>
    new ExecgateError(code, message, field === undefined ? {} : { field }, { cause });
  const quoted = JSON.stringify(command);
  if (exhausted.has(errno)) return error("OVERLOADED", "The host has no room for another command now.");
  if (stage === "cwd")
    return error("CWD_NOT_FOUND", `${JSON.stringify(cwd ?? "/")} cannot be entered (${getSystemErrorName(-errno)}).`, "cwd");
  if (stage === "interpreter") return error("COMMAND_NOT_EXECUTABLE", `${quoted} names an interpreter that is not there.`, "command");
  if (stage !== "exec") return error("RUNTIME_UNAVAILABLE", `The host could not start the command (${cause.message}).`);
  if (errno === E2BIG) return error("BAD_REQUEST", "The command and its environment are too long for the host.", "command");
  if (errno === ENOEXEC) {
    const what = "is no program of this machine, and no script that begins with #! and its interpreter";
    return error("COMMAND_NOT_EXECUTABLE", `${quoted} ${what}.`, "command");
  }
  if (!missing.has(errno))
    return error("COMMAND_NOT_EXECUTABLE", `${quoted} cannot be executed (${getSystemErrorName(-errno)}).`, "command");
  const where = command.includes("/") ? "" : ` in ${searchPath}`;
  return error("COMMAND_NOT_FOUND", `${quoted} was not found${where}.`, "command");
}
