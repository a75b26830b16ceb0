import { closeSync, fstatSync, readFileSync, type Stats } from "node:fs";
import { addon } from "../descriptor/native.ts";

/** A file of users or groups that is longer says nothing that is worth its memory. */
const fileBytesMax = 1024 * 1024;

/** Where programs are looked for when the container does not say. */
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The files of a container as it sees them itself; no link leads out of it. */
export class ContainerRoot {
  readonly #path: string | undefined;

  /** @param pid a process of the container; without one there are no files */
  constructor(pid: number | undefined) {
    this.#path = pid === undefined ? undefined : `/proc/${pid}/root`;
  }

  /** The text of a file; empty when there is none. */
  read(path: string): string {
    return this.#open(path, (fd, stat) => (stat.isFile() && stat.size <= fileBytesMax ? readFileSync(fd, "utf8") : "")) ?? "";
  }

  isProgram(path: string): boolean {
    return this.#open(path, (_, stat) => stat.isFile() && (stat.mode & 0o111) !== 0) ?? false;
  }

  /** The program of this name in `searchPath`; undefined when there is none. */
  find(name: string, searchPath = usualPath): string | undefined {
    return searchPath
      .split(":")
      .map((directory) => `${directory}/${name}`)
      .find((path) => this.isProgram(path));
  }

  #open<T>(path: string, look: (fd: number, stat: Stats) => T): T | undefined {
    const fd = this.#path === undefined ? -1 : addon.openIn(this.#path, path);
    if (fd < 0) return undefined;
    try {
      return look(fd, fstatSync(fd));
    } finally {
      closeSync(fd);
    }
  }
}
