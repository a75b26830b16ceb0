import type { Readable } from "node:stream";
import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import type { Permit } from "../exec/permit.ts";
import type { Session } from "../exec/session.ts";
import type { Witness } from "../exec/witness.ts";
import { RecordingFile } from "./file.ts";
import { headerLine } from "./header.ts";
import { Recorder } from "./recorder.ts";
import { Shelf, type Shelved } from "./shelf.ts";

export interface RecordingSettings {
  readonly dir: string;
  /** What holds for every session; a policy rule may ask for more. */
  readonly mode: Permit["record"];
  /** The most that one file may hold, bytes. */
  readonly bytesMax: number;
  /** Days after which a file is removed; 0 keeps it for good. */
  readonly keepDays: number;
}

export interface RecordingsDeps {
  readonly clock: Clock;
  /** Told of every recording that cannot be made, or not to its end. */
  failed(session: string, reason: string): void;
}

/** A recording as it is listed. */
export interface Recording extends Shelved {
  /** Whether it is still being written. */
  readonly isLive: boolean;
}

const modes = ["off", "bestEffort", "strict"] as const;
const sweepEveryMs = 60 * 60 * 1000;
const dayMs = 24 * 60 * 60 * 1000;

/** All recordings: those being made, and those that are kept. */
export class Recordings {
  readonly #settings: RecordingSettings;
  readonly #deps: RecordingsDeps;
  readonly #shelf: Shelf;
  readonly #recorders = new Map<string, Recorder>();
  #cancelSweep: () => void = () => undefined;

  constructor(settings: RecordingSettings, deps: RecordingsDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#shelf = new Shelf(settings.dir);
  }

  /** Removes what is kept too long, now and every hour until `close`. */
  start(): void {
    if (this.#settings.keepDays > 0) this.#sweep();
  }

  /** How a session of this permit is recorded: as the configuration says, or the rule, whichever asks for more. */
  modeOf({ record }: Permit): Permit["record"] {
    return modes[Math.max(modes.indexOf(record), modes.indexOf(this.#settings.mode))] ?? "strict";
  }

  /** Who stands beside a session that is to be recorded so; undefined for one that is not. */
  witness(mode: Permit["record"]): Witness | undefined {
    if (mode === "off") return undefined;
    return {
      starting: (session) => this.#start(session, mode === "strict"),
      // Nothing ran, so that there is nothing to be played.
      failed: ({ id }) => void this.#recorders.get(id)?.done.then(() => this.#shelf.remove(id)),
    };
  }

  /** Those that are kept, newest first, from behind the id `after` on. */
  async *list(after: string | undefined): AsyncIterable<Recording> {
    for (const id of await this.#shelf.ids()) {
      if (after !== undefined && id >= after) continue;
      const found = await this.find(id);
      if (found !== undefined) yield found;
    }
  }

  async find(id: string): Promise<Recording | undefined> {
    const isLive = this.#recorders.has(id);
    const found = await this.#shelf.find(id);
    return found && { ...found, isLive };
  }

  /** The file as far as it is written; whole when the session has ended. */
  async read(session: string, isEnded: boolean): Promise<{ readonly bytes: number; readonly stream: Readable } | undefined> {
    if (isEnded) await this.#recorders.get(session)?.done;
    return await this.#shelf.read(session);
  }

  /** Resolves when every file is written to its end; every session is to be over. */
  async close(): Promise<void> {
    this.#cancelSweep();
    await Promise.all([...this.#recorders.values()].map(({ done }) => done));
  }

  async #start(session: Session, isStrict: boolean): Promise<void> {
    const { clock } = this.#deps;
    try {
      const path = this.#shelf.pathOf(session.id);
      const file = await RecordingFile.create(path, headerLine(session, clock.now()), this.#settings.bytesMax, clock);
      const recorder = new Recorder(session, file, clock, (reason) => {
        this.#deps.failed(session.id, reason);
        if (isStrict) session.stop("policy");
      });
      this.#recorders.set(session.id, recorder);
      void recorder.done.then(() => this.#recorders.delete(session.id));
    } catch (cause) {
      this.#deps.failed(session.id, cause instanceof Error ? cause.message : String(cause));
      if (!isStrict) return;
      throw new ExecgateError("RECORDING_UNAVAILABLE", "This session has to be recorded, and cannot be; tell the operator.", {}, { cause });
    }
  }

  #sweep(): void {
    const { clock } = this.#deps;
    const before = clock.now() - this.#settings.keepDays * dayMs;
    // A directory that cannot be read now is tried again in an hour.
    void this.#shelf.removeOlderThan(before, (id) => this.#recorders.has(id)).catch(() => undefined);
    this.#cancelSweep = clock.after(sweepEveryMs, () => this.#sweep());
  }
}
