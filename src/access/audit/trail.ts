import { ExecgateError } from "../../errors.ts";
import { type Clock, within } from "../../exec/clock.ts";
import { type ChainEnd, chainLines, chainStart } from "./chain.ts";
import { type AuditEvent, type AuditEventName, restOfLine } from "./events.ts";
import { type Gap, type GapCounts, mergeGaps } from "./gap.ts";
import type { AuditSink, OpenSink } from "./sink.ts";
import { type Entry, Waiting } from "./waiting.ts";

/** `strict`: what cannot be audited does not run. `bestEffort`: it runs, and what was lost is counted. */
export type AuditMode = "strict" | "bestEffort";

export interface TrailOptions {
  readonly mode: AuditMode;
  readonly clock: Clock;
  /** A line was written. */
  written?(event: AuditEventName): void;
  /** Nothing can be written any more. */
  failing?(reason: string): void;
  /** It can again. */
  recovered?(): void;
}

/** How long an event that nobody waits for may wait for others to be written with, milliseconds. */
const lingerMs = 50;
/** How often the sink is looked after, and opened again when it fails, milliseconds. */
export const checkMs = 1000;
/** How long the sink may take for one thing before it counts as failing, milliseconds. */
export const stallMs = 2500;
/** The most that is written at a time, bytes, unless one line is longer. */
const batchBytesMax = 1024 * 1024;

/**
 * Writes events as lines of a hash chain, in the order in which they were told. One thing at a time is done at the sink,
 * and a write takes everything that waits: execs that start while one is under way share the next, and its way to the disk.
 * What nobody waits for is no reason for a write of its own, unless it has lingered.
 *
 * When the sink fails, events wait within a bound while it is opened again and again; the first line then is an
 * `audit.gap` that tells since when, why, and what was lost or refused meanwhile.
 */
export class AuditTrail {
  readonly #open: OpenSink;
  readonly #options: TrailOptions;
  readonly #waiting = new Waiting();
  #underWay: readonly Entry[] = [];
  /** The one that is written to or, while failing, the one that failed. */
  #sink: AuditSink | undefined;
  #end: ChainEnd = chainStart;
  /** What is to be told of as not written. */
  #gap: Gap | undefined;
  #isFailing = false;
  #isClosed = false;
  #isWriteDue = false;
  #isCheckDue = false;
  #isReopenDue = false;
  #isWorking = false;
  #work: Promise<void> = Promise.resolve();
  #cancelLinger: (() => void) | undefined;
  #cancelCheck: (() => void) | undefined;

  /**
   * Opens the sink and goes on with its chain.
   * @throws Error in `strict` mode when it cannot be opened; in `bestEffort` it is tried again by and by
   */
  static async start(open: OpenSink, options: TrailOptions): Promise<AuditTrail> {
    const trail = new AuditTrail(open, options);
    try {
      trail.#adopt(await open());
    } catch (cause) {
      if (options.mode === "strict") throw cause;
      trail.#fail(cause);
    }
    trail.#checkByAndBy();
    return trail;
  }

  private constructor(open: OpenSink, options: TrailOptions) {
    this.#open = open;
    this.#options = options;
  }

  /** Takes an event, which is written soon. Never waits and never throws: where too many wait it is counted as lost. */
  record(event: AuditEvent): void {
    if (!this.#push(event, undefined)) this.#noteGap("more events came than could be written", { lost: 1 });
    this.#cancelLinger ??= this.#options.clock.after(lingerMs, () => {
      this.#cancelLinger = undefined;
      this.#writeNow();
    });
  }

  /**
   * Takes an event and resolves when it is on disk.
   * @throws AUDIT_UNAVAILABLE in `strict` mode when it cannot be; in `bestEffort` it resolves then too
   */
  commit(event: AuditEvent): Promise<void> {
    const isStrict = this.#options.mode === "strict";
    return new Promise((resolve, reject) => {
      const settle = (isWritten: boolean): void => (isWritten || !isStrict ? resolve() : reject(this.#refuse()));
      if (!this.#isFailing && this.#push(event, settle)) return this.#writeNow();
      if (!isStrict) this.record(event);
      settle(false);
    });
  }

  /** Goes on in the file that stands at the path now: after a rotation a new one, whose first line carries the chain on. */
  reopen(): void {
    this.#isReopenDue = true;
    this.#isCheckDue = true;
    this.#wake();
  }

  /** Writes what waits, for no longer than the sink may take, and lets go of it. */
  async close(): Promise<void> {
    const { clock } = this.#options;
    this.#cancelLinger?.();
    this.#cancelCheck?.();
    // A sink that fails is opened one last time.
    this.#isCheckDue = true;
    this.#writeNow();
    await within(clock, stallMs, this.#work);
    this.#isClosed = true;
    this.#settle(this.#waiting.take(Number.POSITIVE_INFINITY), false);
    await within(clock, stallMs, this.#closeSink());
  }

  #refuse(): ExecgateError {
    this.#noteGap("more events came than could be written", { refused: 1 });
    const message = "The audit trail cannot be written, and nothing runs without it; try again later.";
    return new ExecgateError("AUDIT_UNAVAILABLE", message, { retryAfterS: 5 });
  }

  #push(event: AuditEvent, settle: Entry["settle"]): boolean {
    if (this.#isClosed) return false;
    return this.#waiting.push({ event: event.event, rest: restOfLine(event, this.#options.clock.now()), settle });
  }

  #writeNow(): void {
    this.#isWriteDue = true;
    this.#wake();
  }

  #checkByAndBy(): void {
    this.#cancelCheck = this.#options.clock.after(checkMs, () => {
      this.#isCheckDue = true;
      this.#wake();
      this.#checkByAndBy();
    });
  }

  #wake(): void {
    if (!this.#isWorking && !this.#isClosed) this.#work = this.#doWhatIsDue();
  }

  async #doWhatIsDue(): Promise<void> {
    const { clock, recovered } = this.#options;
    this.#isWorking = true;
    for (let task = this.#nextTask(); task !== undefined; task = this.#nextTask()) {
      const cancel = clock.after(stallMs, () => this.#fail(new Error("the disk does not answer")));
      try {
        await task();
        if (this.#isFailing) {
          await this.#append([]);
          this.#isFailing = false;
          recovered?.();
        }
      } catch (cause) {
        this.#fail(cause);
        await this.#closeSink();
      }
      cancel();
    }
    this.#isWorking = false;
  }

  #nextTask(): (() => Promise<void>) | undefined {
    if (this.#isClosed) return undefined;
    if (this.#isFailing || this.#isReopenDue) {
      if (!this.#isCheckDue) return undefined;
      [this.#isCheckDue, this.#isReopenDue] = [false, false];
      return () => this.#openAgain();
    }
    if (this.#isWriteDue && (this.#gap !== undefined || !this.#waiting.isEmpty)) {
      const entries = this.#waiting.take(batchBytesMax);
      this.#isWriteDue = !this.#waiting.isEmpty;
      return () => this.#append(entries);
    }
    if (!this.#isCheckDue) return undefined;
    this.#isCheckDue = false;
    return async () => await this.#sink?.check();
  }

  /** Opens what stands at the path now, in the place of a sink that failed or was rotated away. */
  async #openAgain(): Promise<void> {
    const before = this.#sink;
    const opened = await this.#open(this.#isFailing ? before : undefined);
    if (!this.#isFailing) await this.#closeSink();
    this.#adopt(opened);
  }

  #adopt(sink: AuditSink): void {
    this.#sink = sink;
    if (sink.cutBytes > 0) this.#noteGap("the file ended in half a line", { cutBytes: sink.cutBytes });
    if (sink.end === undefined) return;
    if (this.#end !== chainStart && sink.end.hash !== this.#end.hash) this.#noteGap("the file does not end in the last line written", {});
    this.#end = sink.end;
  }

  /** Appends the entries, behind the gap where there is one to tell of; what was not written waits on. */
  async #append(entries: readonly Entry[]): Promise<void> {
    const { clock, mode, written } = this.#options;
    const gap = this.#gap;
    this.#gap = undefined;
    this.#underWay = entries;
    const told: Entry[] = gap === undefined ? [] : [{ event: "audit.gap", rest: restOfLine(gap, clock.now()), settle: undefined }];
    const all = [...told, ...entries];
    const { bytes, end } = chainLines(
      this.#end,
      all.map(({ rest }) => rest),
    );
    try {
      await this.#sink?.append(bytes);
    } catch (cause) {
      this.#gap = mergeGaps(gap, this.#gap);
      // What was refused did not happen; in strict mode that is all that somebody waits for.
      this.#waiting.putBack(entries.filter(({ settle }) => settle === undefined || mode === "bestEffort"));
      throw cause;
    }
    this.#end = end;
    this.#underWay = [];
    this.#settle(entries, true);
    for (const { event } of all) written?.(event);
  }

  /** Nothing can be written until the sink is opened again; who waits for it is told so. */
  #fail(cause: unknown): void {
    if (this.#isFailing) return;
    const { mode, failing } = this.#options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#isFailing = true;
    this.#noteGap(reason, {});
    const entries = this.#waiting.take(Number.POSITIVE_INFINITY);
    this.#waiting.putBack(entries.filter(({ settle }) => settle === undefined || mode === "bestEffort"));
    this.#settle(this.#underWay, false);
    this.#settle(entries, false);
    failing?.(reason);
  }

  #settle(entries: readonly Entry[], isWritten: boolean): void {
    for (const { settle } of entries) settle?.(isWritten);
  }

  #noteGap(reason: string, counts: Partial<GapCounts>): void {
    const since = new Date(this.#options.clock.now()).toISOString();
    this.#gap = mergeGaps(this.#gap, { event: "audit.gap", reason, since, lost: 0, refused: 0, cutBytes: 0, ...counts });
    this.#isWriteDue = true;
  }

  async #closeSink(): Promise<void> {
    await this.#sink?.close().catch(() => undefined);
  }
}
