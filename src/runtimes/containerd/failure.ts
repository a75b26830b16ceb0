import { ExecgateError } from "../../errors.ts";
import { ApiError } from "./api-error.ts";

/** Says in the words of the interface that containerd did not do what it was asked for. */
export function toRuntimeError(cause: unknown): unknown {
  if (!(cause instanceof ApiError)) return cause;
  const why = cause.isUnanswered ? "containerd does not answer" : "containerd refused";
  return new ExecgateError("RUNTIME_UNAVAILABLE", `${why} (${firstLine(cause.message)}).`, {}, { cause });
}

/** What the OCI runtimes say when a command cannot be started, by what it means. The first that fits counts. */
const startFailures = [
  {
    code: "OVERLOADED",
    field: undefined,
    text: /resource temporarily unavailable|cannot allocate memory|too many open files|no space left|can't get final child's PID|read init-p|new OS thread/i,
  },
  { code: "CWD_NOT_FOUND", field: "cwd", text: /chdir to cwd|chdir to `|working directory|\bcwd\b/i },
  { code: "USER_NOT_FOUND", field: "user", text: /unable to find user|no matching entries in passwd|setgroups|unable to find group/i },
  { code: "BAD_REQUEST", field: "command", text: /argument list too long/i },
  { code: "COMMAND_NOT_EXECUTABLE", field: "command", text: /permission denied|exec format error|is a directory|text file busy/i },
  {
    code: "COMMAND_NOT_FOUND",
    field: "command",
    text: /executable file not found|executable file `.*` not found|no such file or directory|not a directory|file name too long/i,
  },
] as const;

/** Says why a command was not started; undefined when what containerd said tells nothing of the command. */
export function toStartError(cause: unknown, command: string, cwd: string): ExecgateError | undefined {
  if (!(cause instanceof ApiError) || cause.isUnanswered) return undefined;
  const failure = startFailures.find(({ text }) => text.test(cause.message));
  if (failure === undefined) return undefined;
  const { code, field } = failure;
  return new ExecgateError(code, sentence(code, command, cwd), field === undefined ? {} : { field }, { cause });
}

function sentence(code: (typeof startFailures)[number]["code"], command: string, cwd: string): string {
  const quoted = JSON.stringify(command);
  switch (code) {
    case "OVERLOADED":
      return "The container has no room for another command now.";
    case "CWD_NOT_FOUND":
      return `${JSON.stringify(cwd)} cannot be entered in the container.`;
    case "USER_NOT_FOUND":
      return "The container cannot run a command as this user.";
    case "BAD_REQUEST":
      return "The command and its environment are too long for the container.";
    case "COMMAND_NOT_EXECUTABLE":
      return `${quoted} cannot be executed in the container.`;
    case "COMMAND_NOT_FOUND":
      return `${quoted} was not found in the container${command.includes("/") ? "" : "'s PATH"}, or what it is run by was not.`;
  }
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").slice(0, 300);
}
