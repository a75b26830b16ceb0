import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** A line of /etc/passwd with the groups of /etc/group. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** The own group and the supplementary ones. */
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

interface Cached {
  readonly version: string;
  readonly users: readonly User[];
}

/** Looks users up in the files of the system, read again when they have changed. */
export class Users {
  readonly #passwd: string;
  readonly #group: string;
  #cached: Cached | undefined;

  constructor(passwd = "/etc/passwd", group = "/etc/group") {
    this.#passwd = passwd;
    this.#group = group;
  }

  /** By name, or by number when no name matches; undefined when there is no such user. */
  async find(nameOrId: string): Promise<User | undefined> {
    const users = await this.#load();
    return (
      users.find(({ name }) => name === nameOrId) ??
      (/^\d{1,10}$/.test(nameOrId) ? users.find(({ uid }) => uid === Number(nameOrId)) : undefined)
    );
  }

  /** Asking for the time of a change takes a few microseconds; a read through the thread pool would double the time of a start. */
  async #load(): Promise<readonly User[]> {
    const version = [this.#passwd, this.#group].map(versionOf).join();
    if (this.#cached?.version === version) return this.#cached.users;
    const [passwd, group] = await Promise.all([read(this.#passwd), read(this.#group)]);
    const users = parseUsers(passwd, group);
    this.#cached = { version, users };
    return users;
  }
}

/** Parses the text of /etc/passwd and /etc/group; a line that is not well formed is passed over. */
export function parseUsers(passwd: string, group: string): User[] {
  const groups = rows(group, 4).map(([, , gid, members]) => ({ gid: Number(gid), members: (members ?? "").split(",") }));
  return rows(passwd, 7)
    .filter(([name, , uid, gid]) => name !== "" && /^\d+$/.test(uid ?? "") && /^\d+$/.test(gid ?? ""))
    .map(([name = "", , uid, gid, , home = "", shell = ""]) => {
      const own = groups.filter(({ members }) => members.includes(name)).map(({ gid }) => gid);
      return { name, uid: Number(uid), gid: Number(gid), groups: [...new Set([Number(gid), ...own])], home, shell };
    });
}

function rows(text: string, fields: number): string[][] {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((row) => row.length >= fields);
}

function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.mtimeMs} ${stat.size}` : "none";
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
