import type { Duplex } from "node:stream";

const endOfFile = 0x04;
const newline = 0x0a;

/** The input of an exec: written to its connection, which is half-closed at the end. A terminal gets ^D, for its half-close would end the output too. */
export class ConnectionInput {
  readonly #connection: Duplex;
  readonly #isTerminal: boolean;
  #last = newline;
  #isOver = false;

  constructor(connection: Duplex, isTerminal: boolean) {
    this.#connection = connection;
    this.#isTerminal = isTerminal;
  }

  /** Resolves when the kernel has taken the bytes, or nobody can read them any more. */
  write(bytes: Uint8Array): Promise<void> {
    const connection = this.#connection;
    if (this.#isOver || bytes.length === 0 || !connection.writable) return Promise.resolve();
    this.#last = bytes[bytes.length - 1] ?? newline;
    return new Promise((resolve) => {
      connection.once("close", resolve);
      connection.write(bytes, () => {
        connection.off("close", resolve);
        resolve();
      });
    });
  }

  async end(): Promise<void> {
    if (this.#isOver) return;
    // An unfinished line is only sent off by the first one.
    const isAtStart = this.#last === newline || this.#last === endOfFile;
    if (this.#isTerminal) await this.write(isAtStart ? Uint8Array.of(endOfFile) : Uint8Array.of(endOfFile, endOfFile));
    else if (this.#connection.writable) this.#connection.end();
    if (!this.#isTerminal) this.#isOver = true;
  }
}
