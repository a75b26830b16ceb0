import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseGroups } from "../cgroup/mounts.ts";
import { findHierarchy } from "./hierarchy.ts";

/** The kernel forgets an entry after about 15 ms. */
const againMs = 7;

/**
 * Keeps the entry of control groups quick, which every command in a container waits for. The kernel first waits for a moment in which
 * no process of the machine is being started or ended, 8 to 24 ms, unless there was another entry just before, in whichever group.
 * While somebody is about to enter, the gateway therefore enters the group that it is in already, which changes nothing.
 */
export class Entry {
  readonly #mount: string | null;
  #expected = 0;
  #isKept = false;

  /** @param mount where the hierarchy of version 2 is mounted; null: entries take as long as they do */
  constructor(mount: string | null = findHierarchy()) {
    this.#mount = mount;
  }

  /** From here on an entry is expected, until the returned function is called. */
  expect(): () => void {
    this.#expected++;
    if (this.#mount !== null && !this.#isKept) void this.#keep(this.#mount);
    let isOver = false;
    return () => {
      if (!isOver) this.#expected--;
      isOver = true;
    };
  }

  /** Ends early where the gateway may not enter its own group: no other can be used either. */
  async #keep(mount: string): Promise<void> {
    this.#isKept = true;
    try {
      for (; this.#expected > 0; await delay(againMs, undefined, { ref: false })) {
        await writeFile(join(mount, ownGroup(), "cgroup.procs"), String(process.pid), { flag: "r+" });
      }
    } catch {
      // Entries take as long as they do.
    }
    this.#isKept = false;
  }
}

/** Looked up each time: the gateway may have been moved, and is to stay there. */
function ownGroup(): string {
  return parseGroups(readFileSync("/proc/self/cgroup", "utf8")).get("") ?? "/";
}
