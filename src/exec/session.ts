import { ExecgateError, toExecgateError } from "../errors.ts";
import { type Client, type ClientOptions, Clients } from "./clients.ts";
import type { Clock } from "./clock.ts";
import { type Collection, collect } from "./collect.ts";
import { Ending } from "./ending.ts";
import { OutputLog } from "./log.ts";
import type { Observer } from "./observer.ts";
import { type Ended, type Outcome, type StopReason, sayOutcome } from "./outcome.ts";
import { type Permit, unconditional } from "./permit.ts";
import type { ExecRequest } from "./request.ts";
import { RunTimers } from "./run-timers.ts";
import type { Process, Runtime, Signal, Size } from "./runtime.ts";
import { Signals } from "./signals.ts";
import type { Witness } from "./witness.ts";

/** The states of a run, which only move forward. */
export type SessionState = "starting" | "running" | "draining" | "ended";

/** The limits that a session keeps by itself, all in milliseconds but `replayBytes`. */
export interface SessionLimits {
  /** How long output is waited for when the command has exited but somebody still holds its streams. */
  readonly drainMs: number;
  /** How long a command may take to end on SIGTERM before its tree is killed; 0 kills at once. */
  readonly killGraceMs: number;
  /** Ends a session in which neither input nor output moved for so long; 0 is never. */
  readonly idleMs: number;
  /** Output kept for clients that come late. */
  readonly replayBytes: number;
  /** Clients that may be attached at a time. */
  readonly clientsPerSessionMax: number;
}

export interface SessionDeps {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: SessionLimits;
  readonly witness?: Witness | undefined;
}

/** The reason of every abort of a run, made once: an error for each, with its stack, would take longer than clearing the timers. */
const over = new Error("The run is over.");

/**
 * One run of one command: it starts the process, feeds the log from its output as fast as the log admits, and ends
 * exactly once, whichever way comes first. Clients read cursors on the log; the answer of a one-shot is such a cursor too.
 */
export class Session {
  readonly id: string;
  readonly request: ExecRequest;
  readonly permit: Permit;
  readonly createdAt: number;
  readonly log: OutputLog;
  readonly clients: Clients;
  /** Settles when the session is over; never rejects. Undefined outcome: the command was never started. */
  readonly finished: Promise<Outcome | undefined>;
  /** What was collected for the answer, complete when the log has ended; undefined when nothing was asked for or it was let go. */
  collected: Promise<Collection> | undefined;
  size: Size | undefined;
  startedAt: number | undefined;
  outcome: Outcome | undefined;
  /** Bytes that were given for stdin. */
  inputBytes = 0;

  readonly #deps: SessionDeps;
  /** Aborted at the first stop reason and at the end: it clears every timer. */
  readonly #run = new AbortController();
  readonly #timers: RunTimers;
  readonly #ending: Ending;
  readonly #signals = new Signals(async (name) => {
    if (this.#state === "starting") await this.#started;
    await this.#live()?.signal(name);
  });
  readonly #stopped: Promise<StopReason>;
  #announceStop!: (reason: StopReason) => void;
  #finish!: (outcome: Outcome | undefined) => void;
  /** Settles when the command runs, or never will. */
  readonly #started: Promise<void>;
  #announceStarted!: () => void;
  #state: SessionState = "starting";
  #stopReason: StopReason | undefined;
  #isBegun = false;
  #isInputOver = false;
  #process: Process | undefined;

  constructor(id: string, request: ExecRequest, deps: SessionDeps, permit: Permit = unconditional) {
    this.id = id;
    this.request = request;
    this.permit = permit;
    this.#deps = deps;
    this.#timers = new RunTimers(deps.clock, this.#run.signal);
    this.#ending = new Ending(deps.clock, deps.limits.killGraceMs);
    this.createdAt = deps.clock.now();
    this.size = request.spec.tty;
    this.log = new OutputLog(deps.limits.replayBytes);
    if (this.size !== undefined) this.log.resized(this.size);
    const { log } = this;
    const { clientsPerSessionMax: clientsMax } = deps.limits;
    const { keepMs } = request;
    this.clients = new Clients({ log, clock: deps.clock, input: this, keepMs, clientsMax, onEmpty: (reason) => this.stop(reason) });
    this.#stopped = new Promise((resolve) => {
      this.#announceStop = resolve;
    });
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#started = new Promise((resolve) => {
      this.#announceStarted = resolve;
    });
    const wanted = request.collect;
    this.collected = wanted && collect(this.log.open({ role: "writer" }), wanted.bytesMax, wanted.keep);
  }

  get state(): SessionState {
    return this.#state;
  }

  /**
   * Starts the command; resolves when it runs. Called once.
   * @throws what the runtime refuses, as ExecgateError; SESSION_ENDED when the session was stopped before
   */
  async start(): Promise<void> {
    const { runtime, clock, observer, witness, limits } = this.#deps;
    let beganMs = 0;
    this.#isBegun = true;
    observer.starting?.(this);
    try {
      this.#run.signal.throwIfAborted();
      if (witness !== undefined) await witness.starting(this);
      // Whoever left while the witness was waited for has nothing started.
      this.#run.signal.throwIfAborted();
      beganMs = clock.monotonicMs();
      this.#process = await runtime.start(this.request.target, this.request.spec, this.#run.signal);
    } catch (cause) {
      const error = this.#stopReason === undefined ? toExecgateError(cause) : this.#endedBeforeStart();
      observer.failed?.(this, error.code);
      witness?.failed?.(this, error.code);
      this.#abandon();
      throw error;
    }
    const startedMs = clock.monotonicMs();
    this.startedAt = clock.now();
    this.#state = "running";
    this.#announceStarted();
    observer.started?.(this, startedMs - beganMs);
    this.#timers.arm({ timeoutMs: this.request.timeoutMs, idleMs: limits.idleMs }, (reason) => this.stop(reason));
    // What a client said while the command was being started: frozen, the request has the size from before.
    if (this.size !== undefined && this.size !== this.request.spec.tty) void this.#process.resize(this.size).catch(() => undefined);
    void this.#supervise(this.#process, startedMs);
  }

  /**
   * Ends the run for `reason`. The first reason wins; after the command's own exit it only cuts the draining short. Whoever has
   * lost the right to it, and whoever `isUrgent`, gives no grace, and ends one that was given.
   */
  stop(reason: StopReason, isUrgent = reason === "policy"): void {
    if (isUrgent) this.#ending.hurry();
    if (this.#state === "draining" && this.#process !== undefined) this.#cutNow(this.#process);
    if (this.#stopReason !== undefined || this.#state === "draining" || this.#state === "ended") return;
    this.#stopReason = reason;
    this.#announceStop(reason);
    this.#run.abort(over);
    if (!this.#isBegun) this.#abandon();
  }

  /** Lets go of the output: its answer was given, and it was promised to nobody else. */
  forgetOutput(): void {
    this.log.drop();
    this.collected = undefined;
  }

  /** Attaches a client to the output from the place it names. */
  attach(options: ClientOptions): Client {
    return this.clients.attach(options);
  }

  /** Gives bytes to the command's stdin, as soon as it runs; resolves when they are accepted, or nobody can read them any more. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#timers.moved(this.#deps.clock.monotonicMs());
    this.inputBytes += bytes.length;
    if (this.#state === "starting") await this.#started;
    await this.#live()?.write(bytes);
  }

  /** Whether bytes of stdin still reach the command: it has one, whose end was not said. On a terminal that end is a character among others. */
  get takesInput(): boolean {
    return this.request.spec.stdin && (!this.#isInputOver || this.request.spec.tty !== undefined);
  }

  async endInput(): Promise<void> {
    this.#isInputOver = true;
    if (this.#state === "starting") await this.#started;
    await this.#live()?.endInput();
  }

  /** Sets the terminal's size, which the log tells at its place in the output; nothing without a terminal. */
  async resize(size: Size, origin?: string): Promise<void> {
    const { size: before } = this;
    if (before === undefined || (before.cols === size.cols && before.rows === size.rows)) return;
    this.size = size;
    await this.#live()
      ?.resize(size)
      .catch((cause: unknown) => {
        if (this.size === size) this.size = before;
        throw cause;
      });
    this.log.resized(size, origin);
  }

  /** Sends a signal to the command, as soon as it runs; resolves when it was sent, or there is nobody to send it to. */
  signal(name: Signal): Promise<void> {
    return this.#signals.send(name);
  }

  /** The end of a session whose command never ran. */
  #abandon(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#announceStarted();
    this.#run.abort(over);
    this.clients.end();
    this.log.endOutput();
    this.#finish(undefined);
  }

  #live(): Process | undefined {
    return this.#state === "running" || this.#state === "draining" ? this.#process : undefined;
  }

  #endedBeforeStart(): ExecgateError {
    return new ExecgateError("SESSION_ENDED", `The session was ended (${this.#stopReason}) before its command was started.`);
  }

  /** Stands beside the process from its start to its end, and says then how it ended. */
  async #supervise(process: Process, startedMs: number): Promise<void> {
    const { clock, observer, limits, witness } = this.#deps;
    const pumped = this.#pump(process);
    const exited = process.exit.then(
      (exit): Ended => ({ exit }),
      (): Ended => ({ exit: undefined }),
    );
    const first = await Promise.race([exited, this.#stopped]);
    const isStopped = typeof first === "string";
    const termination = isStopped ? await this.#ending.end(process, exited) : null;
    const durationMs = clock.monotonicMs() - startedMs;
    this.#state = "draining";
    this.#run.abort(over);
    const cancelCut = isStopped ? this.#cutNow(process) : clock.after(limits.drainMs, () => process.output.cut());
    await pumped;
    cancelCut();
    // A tree that could not be ended is said to be so by the outcome of those who asked for its end; here nobody did.
    if (!isStopped && this.request.descendants === "end") await this.#ending.endRest(process);
    const drained = process.output.complete;
    process.release();
    // An ended session is kept for minutes: what the process held is not to be kept with it.
    this.#process = undefined;
    this.outcome = sayOutcome(first, drained, termination, durationMs);
    this.#state = "ended";
    this.clients.end();
    this.log.endOutput();
    observer.ended?.(this, this.outcome);
    witness?.ended?.(this, this.outcome);
    this.#finish(this.outcome);
  }

  /** Takes what has arrived, no more than pipes hold, and waits for no writer: nobody who does not read keeps a stopped run from ending. */
  #cutNow(process: Process): () => void {
    process.output.cut();
    this.log.admitRest();
    return () => undefined;
  }

  /** Moves output into the log, and asks for the next piece only when the log has room. */
  async #pump(process: Process): Promise<void> {
    const { clock, observer } = this.#deps;
    try {
      for (let chunk = await process.output.next(); chunk !== undefined; chunk = await process.output.next()) {
        const readMs = clock.monotonicMs();
        this.#timers.moved(readMs);
        observer.output?.(chunk.stream, chunk.bytes.length);
        this.log.append(chunk);
        const room = this.log.room();
        if (room === undefined) continue;
        await room;
        observer.heldBack?.(clock.monotonicMs() - readMs);
      }
    } catch {
      // A source that fails has ended, and says by `complete` that it was not at its end.
      return;
    }
  }
}
