import type { Clock } from "../exec/clock.ts";

/** What the heartbeat looks after. */
export interface Beating {
  /** One beat: ask for a sign of life, and give the peer up where too many are missing. */
  beat(): void;
}

/** One timer for all sockets, running only while there is one. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly beatMs: number;
  readonly #members = new Set<Beating>();
  #cancel: (() => void) | undefined;

  /** @param beatMs how often a peer is asked for a sign of life; after two answers missed it is given up */
  constructor(clock: Clock, beatMs: number) {
    this.#clock = clock;
    this.beatMs = beatMs;
  }

  add(member: Beating): void {
    this.#members.add(member);
    if (this.#cancel === undefined) this.#arm();
  }

  remove(member: Beating): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.beatMs, () => {
      for (const member of this.#members) member.beat();
      if (this.#members.size > 0) this.#arm();
      else this.#cancel = undefined;
    });
  }
}
