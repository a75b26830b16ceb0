import { basename } from "node:path";
import type { ExecSpec } from "../../exec/runtime.ts";
import { refuseUnpassable } from "../unpassable.ts";
import type { Account } from "./account.ts";
import { environment, searchPath } from "./environment.ts";
import { toStartError } from "./failure.ts";
import type { Isolation } from "./isolation.ts";
import { HostProcess } from "./process.ts";
import { closeTerminal, openTerminal } from "./tty.ts";

/**
 * Starts a command as `account`: when it resolves, the command runs, else nothing is left of it.
 * @param others how many commands run beside it
 */
export async function startProcess(
  account: Account,
  spec: ExecSpec,
  isolation: Isolation,
  others: number,
  signal: AbortSignal,
  onRelease: (released: HostProcess, isTreeGone: boolean) => void,
): Promise<HostProcess> {
  refuseUnpassable(spec);
  const argv = argvOf(account, spec);
  const envp = environment(account, spec.tty !== undefined, spec.env);
  const file = spec.command[0] ?? account.shell;
  const terminal = spec.tty && openTerminal(spec.tty);
  try {
    const { spawned, tree } = await isolation.spawn(
      account,
      {
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
        tty: terminal?.slave ?? -1,
        stdin: spec.stdin,
      },
      others,
      signal,
    );
    const started: HostProcess = new HostProcess(spawned, tree, terminal, spec.stdin, (isTreeGone) => onRelease(started, isTreeGone));
    return started;
  } catch (error) {
    if (terminal) closeTerminal(terminal);
    throw toStartError(error, file, spec.cwd);
  }
}

/** A shell on a terminal is a login shell, which it knows by the dash. */
function argvOf(account: Account, spec: ExecSpec): readonly string[] {
  if (spec.command.length > 0) return spec.command;
  return [`${spec.tty ? "-" : ""}${basename(account.shell)}`];
}

const searchDirectories = searchPath.split(":");

/** What `command[0]` may mean. The addon tries them as the target user, whose rights decide what is found. */
function candidates(file: string): string[] {
  if (file === "") return [];
  if (file.includes("/")) return [file];
  return searchDirectories.map((directory) => `${directory}/${file}`);
}
