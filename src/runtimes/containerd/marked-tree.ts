import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Termination } from "../../exec/runtime.ts";
import { sendSignal } from "../signals.ts";
import { type Mark, type Marks, readMark, readStart } from "./mark.ts";
import { groupOf, membersOf } from "./members.ts";

/** How long the members of a tree are waited for after they were killed. */
const endMsMax = 2000;

export interface MarkedTreeOptions {
  readonly marks: Marks;
  readonly mark: Mark;
  /** The command, as the daemon sees it. */
  readonly pid: number;
  /** The directory of the container's control group, if that can be seen from here. */
  readonly group: string | undefined;
  /** Whether a command in this container can take the mark off, or leave the container. */
  readonly canLeave: boolean;
}

/** A command in a container on this machine with all that descends from it, which is known by the mark that it inherits. */
export class MarkedTree {
  readonly #options: MarkedTreeOptions;
  readonly #group: string | undefined;
  /** Undefined when the command was over, or is on another machine. */
  readonly #startedAt: number | undefined;
  #isSeen: boolean;
  #isGone = false;

  constructor(options: MarkedTreeOptions) {
    this.#options = options;
    const { pid, mark, group } = options;
    // A short command is over by now, and a read that fails would take longer than all else here.
    this.#isSeen = existsSync(`/proc/${pid}`) && readMark(pid) === mark;
    this.#startedAt = this.#isSeen ? readStart(pid) : undefined;
    this.#group = (this.#isSeen ? groupOf(pid) : undefined) ?? group;
  }

  /** Whether any of it was ever found on this machine. */
  get isSeen(): boolean {
    return this.#isSeen;
  }

  /** Kills whoever has the mark, and looks again until nobody has. */
  async end(): Promise<Termination> {
    const deadline = performance.now() + endMsMax;
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
      const { members, hasStrangers } = this.#look();
      if (members.length === 0) {
        this.#forget();
        return this.#isSeen && !hasStrangers && !this.#options.canLeave ? "verified" : "bestEffort";
      }
      this.#isSeen = true;
      for (const member of members) sendSignal(member, "SIGKILL");
      if (performance.now() > deadline) return "bestEffort";
      await delay(pauseMs);
    }
  }

  /** Leaves whoever has the mark alone. It is nobody else's as long as somebody has it. */
  letGo(): void {
    if (!this.#isGone && this.#look().members.length === 0) this.#forget();
  }

  #forget(): void {
    this.#isGone = true;
    this.#options.marks.giveBack(this.#options.mark);
  }

  /** Who has the mark; and whether somebody began since then who has one that nobody gave: a limit can be lowered by anyone. */
  #look(): { members: number[]; hasStrangers: boolean } {
    const { mark, marks, canLeave } = this.#options;
    const members: number[] = [];
    let hasStrangers = false;
    for (const pid of membersOf(canLeave ? undefined : this.#group)) {
      const found = readMark(pid);
      if (found === undefined || (found !== mark && marks.isLive(found))) continue;
      const startedAt = readStart(pid);
      if (startedAt === undefined) continue;
      if (found === mark) members.push(pid);
      else if (startedAt >= (this.#startedAt ?? 0)) hasStrangers = true;
    }
    return { members, hasStrangers };
  }
}

/** Kills every process on this machine whose mark is meant, and looks again until there is none. */
export async function endMarked(isMeant: (mark: Mark) => boolean): Promise<void> {
  for (const deadline = performance.now() + endMsMax; performance.now() < deadline; await delay(20)) {
    const pids = membersOf(undefined).filter((pid) => isMeant(readMark(pid) ?? Number.NaN) && readStart(pid) !== undefined);
    if (pids.length === 0) return;
    for (const pid of pids) sendSignal(pid, "SIGKILL");
  }
}
