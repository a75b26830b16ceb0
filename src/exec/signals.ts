import type { Signal } from "./runtime.ts";

/**
 * Signals on their way to one command. To some runtimes each is a command of its own: of each name one is sent at a time, and
 * those that come meanwhile are one more, as signals that wait are one to the kernel.
 */
export class Signals {
  readonly #send: (name: Signal) => Promise<void>;
  readonly #sending = new Map<Signal, Promise<void>>();
  readonly #waiting = new Map<Signal, Promise<void>>();

  constructor(send: (name: Signal) => Promise<void>) {
    this.#send = send;
  }

  /** Resolves when it was sent. @throws what `send` does */
  send(name: Signal): Promise<void> {
    const waiting = this.#waiting.get(name);
    const before = this.#sending.get(name);
    if (waiting !== undefined || before === undefined) return waiting ?? this.#begin(name);
    const next = before.catch(() => undefined).then(() => this.#begin(name));
    this.#waiting.set(name, next);
    return next;
  }

  #begin(name: Signal): Promise<void> {
    this.#waiting.delete(name);
    const sending = this.#send(name).finally(() => this.#sending.delete(name));
    this.#sending.set(name, sending);
    return sending;
  }
}
