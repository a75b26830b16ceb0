import { connect, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { pageBytes, takePage } from "../../exec/pages.ts";

/** Pieces that may wait for a reader: one more than it takes at a time, so that one that keeps up never stops the reading. */
const waitingMax = 2;

/** What is shorter is copied out of its page, which is read into again. */
const copiedBytes = pageBytes / 2;

/**
 * The connection of an exec, which begins as HTTP. What comes after that is read into pages that go on to the log as they are: with
 * memory of its own for each read, as a stream has it, the garbage collector would take a fifth of the time.
 */
export class Connection {
  #socket: Socket | undefined;
  #page = takePage();
  #isUpgraded = false;
  #isStopped = false;
  readonly #waiting: Buffer[] = [];
  /** Called when something has arrived, and when the connection is over. */
  onChange: (() => void) | undefined;

  /** Connects; called once. @param isTls whether `options` are those of TLS */
  connect(options: NetConnectOpts, isTls: boolean): Socket {
    const onread = { buffer: () => this.#page, callback: (length: number) => this.#take(length) };
    this.#socket = isTls ? connectTls({ ...options, onread } as object) : connect({ ...options, onread });
    return this.#socket;
  }

  /** From here on there is no HTTP. @param head what has come behind it already */
  upgraded(head: Buffer): void {
    this.#isUpgraded = true;
    if (head.length > 0) this.#waiting.push(head);
    const changed = (): void => this.onChange?.();
    this.socket.once("end", changed);
    this.socket.once("close", changed);
    // The close that follows tells the same.
    this.socket.on("error", () => undefined);
    this.socket.resume();
  }

  /** To be written to, ended and destroyed. */
  get socket(): Socket {
    if (this.#socket === undefined) throw new Error("it is not connected");
    return this.#socket;
  }

  /** Whether the other side has ended it, behind all that it had to say. */
  get isEnded(): boolean {
    return this.#isUpgraded && this.socket.readableEnded;
  }

  /** Whether nothing more will arrive, for that or another reason. */
  get isOver(): boolean {
    return this.socket.readableEnded || this.socket.destroyed;
  }

  /** What has arrived next; undefined while there is nothing. */
  read(): Buffer | undefined {
    const bytes = this.#waiting.shift();
    if (this.#isStopped && this.#waiting.length === 0) {
      this.#isStopped = false;
      this.socket.resume();
    }
    return bytes;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Whether more may be read. */
  #take(length: number): boolean {
    const bytes = this.#page.subarray(0, length);
    if (!this.#isUpgraded) return this.socket.push(Buffer.from(bytes));
    const isCopied = length < copiedBytes;
    this.#waiting.push(isCopied ? Buffer.from(bytes) : bytes);
    if (!isCopied) this.#page = takePage();
    this.onChange?.();
    this.#isStopped = this.#waiting.length >= waitingMax;
    return !this.#isStopped;
  }
}
