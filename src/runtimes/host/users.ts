import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { findUser, parseUsers, type User } from "../passwd.ts";

interface Cached {
  readonly version: string;
  readonly users: readonly User[];
}

/** How long the files count as unchanged without being asked, milliseconds. */
const unaskedMs = 100;

/** Looks users up in the files of the system, read again when they have changed. */
export class Users {
  readonly #passwd: string;
  readonly #group: string;
  readonly #unaskedMs: number;
  #cached: Cached | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(passwd = "/etc/passwd", group = "/etc/group", unasked = unaskedMs) {
    this.#passwd = passwd;
    this.#group = group;
    this.#unaskedMs = unasked;
  }

  /** By name, or by number when no name matches; undefined when there is no such user. */
  async find(nameOrId: string): Promise<User | undefined> {
    return findUser(await this.#load(), nameOrId);
  }

  /** Asking for the time of a change takes 12 microseconds of a start; a read through the thread pool would take 200. */
  async #load(): Promise<readonly User[]> {
    const nowMs = performance.now();
    if (this.#cached !== undefined && nowMs - this.#askedMs < this.#unaskedMs) return this.#cached.users;
    this.#askedMs = nowMs;
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
