import type { Clock } from "../exec/clock.ts";

/** How often a peer is asked for a sign of life, milliseconds. After two answers missed it is given up. */
const beatMs = 15_000;

/** What the heartbeat looks after. */
export interface Beating {
  /** One beat: ask for a sign of life, and give the peer up where too many are missing. */
  beat(): void;
}

/** One timer for all sockets, running only while there is one. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #members = new Set<Beating>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    this.#cancel = this.#clock.after(beatMs, () => {
      for (const member of this.#members) member.beat();
      if (this.#members.size > 0) this.#arm();
      else this.#cancel = undefined;
    });
  }
}
