import { type Clock, within } from "./clock.ts";
import type { Ended } from "./outcome.ts";
import type { Process, Termination } from "./runtime.ts";

/** How long is waited until a tree is killed and its command has exited, before it goes on without: who waits is told within 5 s. */
const killedExitMsMax = 4000;

/** How one run's process tree is ended: politely first where a grace is configured, then by force. */
export class Ending {
  readonly #clock: Clock;
  readonly #graceMs: number;
  #isUrgent = false;
  #endGrace = (): void => undefined;

  /** @param graceMs how long the command may take to end on SIGTERM; 0 kills at once */
  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  /** From here on the command has no time to end by itself. */
  hurry(): void {
    this.#isUrgent = true;
    this.#endGrace();
  }

  /** Ends the tree. Never rejects, and waits no longer than the grace and four seconds. */
  async end(process: Process, exited: Promise<Ended>): Promise<Termination> {
    if (this.#graceMs > 0 && !this.#isUrgent) await this.#ask(process, exited);
    const terminated = process.terminate().catch((): Termination => "bestEffort");
    const isGone = await within(this.#clock, killedExitMsMax, Promise.all([terminated, exited]));
    return isGone ? await terminated : "bestEffort";
  }

  /** Ends what a command that has exited left behind. Never rejects. */
  async endRest(process: Process): Promise<void> {
    const terminated = process.terminate().catch(() => undefined);
    await within(this.#clock, killedExitMsMax, terminated);
  }

  async #ask(process: Process, exited: Promise<Ended>): Promise<void> {
    const hurried = new Promise<void>((resolve) => {
      this.#endGrace = resolve;
    });
    void process.signal("SIGTERM").catch(() => undefined);
    await within(this.#clock, this.#graceMs, Promise.race([exited, hurried]));
  }
}
