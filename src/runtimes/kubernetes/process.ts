import { ExecgateError } from "../../errors.ts";
import type { Exit, OutputSource, Process, Signal, Size, Termination } from "../../exec/runtime.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import type { ExecStream } from "./exec-stream.ts";

/** How a command in a container is reached beside its own stream. */
export interface Reach {
  signal(name: Signal): Promise<void>;
  kill(): Promise<Termination>;
}

const endOfFile = 0x04;
const newline = 0x0a;

/** A command in a pod: a stream of the API server's, and a way to the processes behind it. */
export class PodProcess implements Process {
  readonly output: OutputSource;
  readonly exit: Promise<Exit>;
  readonly #stream: ExecStream;
  readonly #reach: Reach;
  readonly #isTerminal: boolean;
  readonly #onRelease: (released: Process) => void;
  readonly #end = oneAtATime(() => this.#reach.kill().finally(() => this.#stream.output.flush()));
  /** Calls are served in order. */
  #turn: Promise<void> = Promise.resolve();
  #last = newline;
  #isReleased = false;

  constructor(stream: ExecStream, reach: Reach, isTerminal: boolean, onRelease: (released: Process) => void) {
    this.#stream = stream;
    this.#reach = reach;
    this.#isTerminal = isTerminal;
    this.#onRelease = onRelease;
    this.output = stream.output;
    this.exit = stream.verdict.then(toExit);
    // Who does not ask for the exit is not to be ended by a rejection that nobody handles.
    this.exit.catch(() => undefined);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      this.#last = bytes.at(-1) ?? this.#last;
      await this.#stream.write(bytes);
    });
  }

  /** A terminal ends its input with ^D, which only sends an unfinished line off: then a second one is needed. */
  endInput(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#isTerminal) return this.#stream.endInput();
      const isFinished = this.#last === newline || this.#last === endOfFile;
      await this.#stream.write(isFinished ? Uint8Array.of(endOfFile) : Uint8Array.of(endOfFile, endOfFile));
      this.#last = endOfFile;
    });
  }

  async resize(size: Size): Promise<void> {
    if (this.#isTerminal) await this.#stream.resize(size);
  }

  async signal(name: Signal): Promise<void> {
    if (!this.#isReleased) await this.#reach.signal(name);
  }

  /** When nothing is left that could write, the Status is let come although nobody reads what stands before it. */
  terminate(): Promise<Termination> {
    return this.#isReleased ? Promise.resolve("bestEffort") : this.#end();
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#stream.close();
    this.#onRelease(this);
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(act);
    return this.#turn;
  }
}

/** The protocol has no word for a signal: it tells 128 + n, which a command may also say by itself. */
function toExit(verdict: { exitCode: number } | { failure: string }): Exit {
  if ("exitCode" in verdict) return { code: verdict.exitCode, signal: null };
  throw new ExecgateError("RUNTIME_UNAVAILABLE", `The API server could not tell how the command ended: ${verdict.failure}.`);
}
