import { ExecgateError } from "../../errors.ts";
import { findUser, parseUsers, type User } from "../passwd.ts";
import type { ContainerRoot } from "./root.ts";

/** A user as an OCI runtime is told of it: by numbers. */
export interface OciUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
}

/** The users of a container. */
export class ContainerUsers {
  readonly #root: ContainerRoot;

  constructor(root: ContainerRoot) {
    this.#root = root;
  }

  /**
   * `USER` or `USER:GROUP`, each a name or a number; a number needs no entry, and is in group 0 then.
   * @throws USER_NOT_FOUND
   */
  find(requested: string): OciUser {
    const [name = "", group] = requested.split(":", 2);
    const user = this.#user(name) ?? numbered(name);
    if (user === undefined) throw notFound(`There is no user ${JSON.stringify(name)} in the container.`);
    if (group === undefined) return { uid: user.uid, gid: user.gid, additionalGids: user.groups };
    return { uid: user.uid, gid: this.#group(group) };
  }

  /** The login shell of a user where it is one that is there, else /bin/sh. */
  shellOf(uid: number): string {
    const shell = this.#user(String(uid))?.shell ?? "";
    return shell !== "" && !/\/(?:nologin|false)$/.test(shell) && this.#root.isProgram(shell) ? shell : "/bin/sh";
  }

  #user(nameOrId: string): User | undefined {
    return findUser(parseUsers(this.#root.read("/etc/passwd"), this.#root.read("/etc/group")), nameOrId);
  }

  #group(nameOrId: string): number {
    const rows = this.#root.read("/etc/group").split("\n");
    const gid = rows.map((line) => line.split(":")).find(([name]) => name === nameOrId)?.[2];
    const number = Number(gid ?? (isId(nameOrId) ? nameOrId : Number.NaN));
    if (Number.isNaN(number)) throw notFound(`There is no group ${JSON.stringify(nameOrId)} in the container.`);
    return number;
  }
}

function numbered(id: string): Pick<User, "uid" | "gid" | "groups"> | undefined {
  return isId(id) ? { uid: Number(id), gid: 0, groups: [] } : undefined;
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1;
}

function notFound(message: string): ExecgateError {
  return new ExecgateError("USER_NOT_FOUND", message, { field: "user" });
}
