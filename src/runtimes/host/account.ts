import { accessSync, constants } from "node:fs";
import { basename } from "node:path";
import { ExecgateError } from "../../errors.ts";
import type { User } from "../passwd.ts";
import { type DynamicRange, DynamicUsers } from "./dynamic-users.ts";
import { Users } from "./users.ts";

/** As whom a command runs: a user, whose shell is the path of one that is there. */
export interface Account extends User {
  /** False when the gateway's own identity, groups included, is kept: it has no right to take another. */
  readonly changeUser: boolean;
}

export interface AccountOptions {
  /** Who commands run as. Default: nobody when the gateway is root, else the gateway's own user. */
  readonly user: string | undefined;
  /** Other users that a request may name. */
  readonly usersAllowed: readonly string[];
  /** Where the users of `dynamicUser` are taken from. */
  readonly dynamicUsers: DynamicRange;
}

/** As `user`: each command runs as a user of its own. */
export const dynamicUser = "dynamic";

/** Finds the account for what a request asks. */
export class Accounts {
  readonly #options: AccountOptions;
  readonly #users: Users;
  readonly #dynamic: DynamicUsers | undefined;
  readonly #ownId = process.getuid?.() ?? 0;

  constructor(options: AccountOptions, users = new Users()) {
    this.#options = options;
    this.#users = users;
    this.#dynamic = options.user === dynamicUser ? new DynamicUsers(options.dynamicUsers) : undefined;
  }

  /** The same account is given to nobody else until it is given back, where each command has its own. */
  giveBack(account: Account): void {
    this.#dynamic?.giveBack(account);
  }

  /**
   * Makes sure that there is somebody to run commands as. Where each command has a user of its own none is taken for that.
   * @throws USER_NOT_FOUND, NOT_SUPPORTED
   */
  async check(): Promise<void> {
    await this.#standard();
  }

  /** @throws USER_NOT_FOUND, FORBIDDEN for one that is not in `usersAllowed`, NOT_SUPPORTED when the gateway is not root */
  async find(requested: string | undefined): Promise<Account> {
    if (requested === undefined && this.#dynamic) return this.#dynamic.take();
    const standard = await this.#standard();
    if (requested === undefined || requested === standard.name) return standard;
    const user = await this.#users.find(requested);
    if (!user) throw new ExecgateError("USER_NOT_FOUND", `There is no user ${JSON.stringify(requested)} on the host.`, { field: "user" });
    if (user.uid === standard.uid) return standard;
    if (!standard.changeUser) throw onlyOwnUser();
    const { usersAllowed } = this.#options;
    if (!usersAllowed.includes(user.name) && !usersAllowed.includes(String(user.uid))) {
      throw new ExecgateError("FORBIDDEN", `Commands on the host may not run as ${user.name}.`, { field: "user" });
    }
    return accountOf(user, true);
  }

  async #standard(): Promise<Account> {
    const { user: name } = this.#options;
    const ownId = this.#ownId;
    const isRoot = ownId === 0;
    if (this.#dynamic && !isRoot) throw onlyOwnUser();
    if ((name === undefined || this.#dynamic) && isRoot) return bareNobody(await this.#users.find("nobody"));
    const user = await this.#users.find(name ?? String(ownId));
    if (!user && name !== undefined) throw new ExecgateError("USER_NOT_FOUND", `There is no user ${JSON.stringify(name)} on the host.`);
    if (user && !isRoot && user.uid !== ownId) throw onlyOwnUser();
    if (user) return accountOf(user, isRoot);
    const gid = process.getgid?.() ?? ownId;
    return accountOf({ name: String(ownId), uid: ownId, gid, groups: [], home: "/", shell: "" }, false);
  }
}

function onlyOwnUser(): ExecgateError {
  return new ExecgateError("NOT_SUPPORTED", "The gateway is not root: commands on the host run as its own user only.", { field: "user" });
}

/** What runs when nobody has configured anything: no home, no groups but its own, the plainest shell. */
function bareNobody(user: User | undefined): Account {
  const { name, uid, gid } = user ?? { name: "nobody", uid: 65534, gid: 65534 };
  return { name, uid, gid, groups: [], home: "/", shell: "/bin/sh", changeUser: true };
}

function accountOf(user: User, changeUser: boolean): Account {
  const { name, uid, gid, groups } = user;
  return { name, uid, gid, groups, home: user.home || "/", shell: usableShell(user.shell), changeUser };
}

/** The user's own shell, unless it only turns people away or is not there; else bash, else sh. */
function usableShell(shell: string): string {
  const own = shell === "" || ["nologin", "false"].includes(basename(shell)) ? [] : [shell];
  return [...own, "/bin/bash"].find(isExecutable) ?? "/bin/sh";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
