import type { Clock } from "../exec/clock.ts";
import type { Cursor, LogItem } from "../exec/cursor.ts";
import type { Session } from "../exec/session.ts";
import { AsciicastEncoder } from "./asciicast.ts";
import type { RecordingFile } from "./file.ts";

/** Text that is gathered before it is written: few turns of a thread for a busy command, none to wait for otherwise. */
const gatheredMax = 128 * 1024;

/** A cursor that writes a file: the output of one session, with the sizes of its terminal, and nothing that was typed. */
export class Recorder {
  /** Settles when nothing more is written; never rejects. */
  readonly done: Promise<void>;
  readonly #file: RecordingFile;
  readonly #encoder: AsciicastEncoder;
  readonly #clock: Clock;
  readonly #startMs: number;
  /** A writer, because what is not written yet must not be let go: a slow disk slows the command. */
  readonly #cursor: Cursor;

  /** @param failed told when nothing more can be written, and why */
  constructor(session: Session, file: RecordingFile, clock: Clock, failed: (reason: string) => void) {
    this.#file = file;
    this.#clock = clock;
    this.#encoder = new AsciicastEncoder(session.size !== undefined);
    this.#startMs = clock.monotonicMs();
    this.#cursor = session.log.open({ role: "writer" });
    this.done = this.#run().catch((cause: unknown) => failed(cause instanceof Error ? cause.message : String(cause)));
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const lines = this.#gather();
        if (lines !== "") await this.#file.append(lines);
        else if (!(await this.#cursor.more())) break;
      }
      await this.#file.append(this.#encoder.end(this.#seconds()));
    } finally {
      this.#cursor.close();
      this.#file.close();
    }
  }

  /** The lines for what is there now, or for a part of it; empty when there is nothing more. */
  #gather(): string {
    let lines = "";
    while (lines.length < gatheredMax) {
      const item = this.#cursor.take();
      if (item === undefined) return lines;
      lines += this.#lineOf(item);
    }
    return lines;
  }

  #lineOf(item: LogItem): string {
    switch (item.type) {
      case "data":
        return this.#encoder.output(item.stream, item.bytes, this.#seconds());
      case "resized":
        return this.#encoder.resize(item.size, this.#seconds());
      case "gap":
        throw new Error(`the output from ${item.from} to ${item.to} was let go`);
    }
  }

  #seconds(): number {
    return (this.#clock.monotonicMs() - this.#startMs) / 1000;
  }
}
