import type { Account } from "./account.ts";

/** Where commands are looked up: in the target's PATH, which neither the gateway's environment nor the caller can change. */
export const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment of a command, `NAME=value`; HOME comes first, where the addon corrects it if need be. */
export function environment(account: Account, isTerminal: boolean, added: Readonly<Record<string, string>>): string[] {
  const standard: Record<string, string> = {
    HOME: account.home,
    PATH: searchPath,
    USER: account.name,
    LOGNAME: account.name,
    SHELL: account.shell,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
  };
  const variables: string[] = [];
  for (const name in standard) {
    if (Object.hasOwn(added, name)) variables.push(`${name}=${added[name]}`);
    else if (isTerminal || name !== "TERM") variables.push(`${name}=${standard[name]}`);
  }
  for (const [name, value] of Object.entries(added)) if (!Object.hasOwn(standard, name)) variables.push(`${name}=${value}`);
  return variables;
}
