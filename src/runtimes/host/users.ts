import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { findUser, parseUsers, type User } from "../passwd.ts";

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
    return findUser(await this.#load(), nameOrId);
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
