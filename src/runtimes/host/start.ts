import { basename } from "node:path";
import { ExecgateError } from "../../errors.ts";
import type { ExecSpec } from "../../exec/runtime.ts";
import type { Account } from "./account.ts";
import { environment, searchPath } from "./environment.ts";
import { startError } from "./failure.ts";
import { native, type SpawnOptions } from "./native.ts";
import { HostProcess } from "./process.ts";
import { openTerminal } from "./tty.ts";

/** What a login gives; Node raises its own limit, and programs that close "all" descriptors walk up to it. */
const nofileSoft = 1024;

/** Starts a command as `account`. The call is synchronous: when it returns, the command runs, or nothing is left of it. */
export function startProcess(
  account: Account,
  spec: ExecSpec,
  noNewPrivileges: boolean,
  onRelease: (released: HostProcess) => void,
): HostProcess {
  const argv = argvOf(account, spec);
  const envp = environment(account, spec.tty !== undefined, spec.env);
  const file = spec.command[0] ?? account.shell;
  const terminal = spec.tty && openTerminal(spec.tty);
  const options: SpawnOptions = {
    files: candidates(file),
    argv,
    envp,
    home: account.home,
    homeInEnv: !Object.hasOwn(spec.env, "HOME"),
    cwd: spec.cwd,
    uid: account.uid,
    gid: account.gid,
    groups: account.groups,
    changeUser: account.changeUser,
    noNewPrivileges,
    nofileSoft,
    tty: terminal?.slave ?? -1,
    stdin: spec.stdin,
  };
  const spawned = native.spawn(options);
  if ("pid" in spawned) {
    const started: HostProcess = new HostProcess(spawned, terminal, spec.stdin, () => onRelease(started));
    return started;
  }
  if (terminal) {
    native.close(terminal.master);
    native.close(terminal.slave);
  }
  throw startError(spawned, file, spec.cwd);
}

/** A shell on a terminal is a login shell, which it knows by the dash. */
function argvOf(account: Account, spec: ExecSpec): readonly string[] {
  const nul = spec.command.findIndex((argument) => argument.includes("\0"));
  if (nul >= 0) throw new ExecgateError("BAD_REQUEST", "command: a NUL byte cannot be passed on.", { field: `command.${nul}` });
  if (spec.cwd?.includes("\0")) throw new ExecgateError("BAD_REQUEST", "cwd: a NUL byte cannot be passed on.", { field: "cwd" });
  if (spec.command.length > 0) return spec.command;
  return [`${spec.tty ? "-" : ""}${basename(account.shell)}`];
}

/** What `command[0]` may mean. The addon tries them as the target user, whose rights decide what is found. */
function candidates(file: string): string[] {
  if (file === "") return [];
  if (file.includes("/")) return [file];
  return searchPath.split(":").map((directory) => `${directory}/${file}`);
}
