/**
 * The file descriptors that commands and connections may take together. Some are kept back, so that the gateway goes on
 * answering when there are no more: commands get none of those, connections get them for one answer each. Commands leave
 * as many again to connections: who asks for a command when there is no room for one comes by a connection, and many at once.
 */
export class Descriptors {
  readonly #reserved: number;
  /** What commands leave, beside the reserve. */
  readonly #leftByCommands: number;
  #left: number;

  /**
   * @param free how many the process can still open
   * @param reserved how many of them are kept back
   */
  constructor(free = Number.POSITIVE_INFINITY, reserved = 0) {
    this.#left = free - reserved;
    this.#reserved = reserved;
    this.#leftByCommands = Math.min(reserved, Math.max(0, this.#left) / 2);
  }

  /** Whether a command that takes so many can be started. */
  has(count: number): boolean {
    return this.#left - count >= this.#leftByCommands;
  }

  /** Whether connections live on what is kept back. */
  get isShort(): boolean {
    return this.#left < 0;
  }

  /** Whether of what is kept back only the last quarter is left, which is for the gateway's own work. */
  get isOut(): boolean {
    return this.#left < -0.75 * this.#reserved;
  }

  take(count: number): void {
    this.#left -= count;
  }

  giveBack(count: number): void {
    this.#left += count;
  }
}
