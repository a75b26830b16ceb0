import { ExecgateError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import { Descriptors } from "./descriptors.ts";
import { createId } from "./id.ts";
import { stdinWindow } from "./input.ts";
import type { Observer } from "./observer.ts";
import type { EndedBy } from "./outcome.ts";
import { type Permit, unconditional } from "./permit.ts";
import { Rate } from "./rate.ts";
import { type ExecRequest, sizeOfRequest } from "./request.ts";
import type { Runtime } from "./runtime.ts";
import { Session, type SessionLimits } from "./session.ts";
import type { Witness } from "./witness.ts";

/** The limits over all sessions. */
export interface SessionsLimits extends SessionLimits {
  readonly sessionsMax: number;
  readonly sessionsPerPrincipalMax: number;
  /** 0 is none. */
  readonly execsPerMinutePerPrincipal: number;
  /** Memory reserved for collecting output, and for stdin that came with requests, over all of them, in bytes. */
  readonly collectBytesTotal: number;
  readonly endedSessionsMax: number;
  readonly endedBytesMax: number;
}

export interface SessionsDeps {
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: SessionsLimits;
  /** Default: without an end */
  readonly descriptors?: Descriptors;
}

/** What a command takes at the most, while it is started: three pipes with two ends, its pidfd, and one more. */
const descriptorsPerSession = 8;

/** How long an ended session is kept for those who ask how it ended, milliseconds. */
const endedKeptMs = 10 * 60 * 1000;

/** Every session there is: admits new ones within the limits, finds them, keeps ended ones for a while, and ends all at last. */
export class Sessions {
  readonly #deps: SessionsDeps;
  readonly #live = new Map<string, Session>();
  /** Oldest end first, so that one timer, for the first of them, is enough. */
  readonly #ended = new Map<string, { session: Session; bytes: number; untilMs: number }>();
  #cancelForgetting: (() => void) | undefined;
  readonly #countByPrincipal = new Map<string, number>();
  readonly #rate: Rate;
  readonly #descriptors: Descriptors;
  #collectBytes = 0;
  #endedBytes = 0;
  #isDraining = false;
  /** Those who wait until no session is left. */
  readonly #onEmpty: (() => void)[] = [];

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
    this.#rate = new Rate(deps.clock);
    this.#descriptors = deps.descriptors ?? new Descriptors();
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /**
   * Takes a request in: the session counts from here on and is the caller's to start, or to `stop` and start no more.
   * @throws DRAINING, TOO_MANY_SESSIONS, TOO_MANY_REQUESTS, OVERLOADED, RUNTIME_UNAVAILABLE
   */
  admit(request: ExecRequest, permit: Permit = unconditional, witness?: Witness): Session {
    const { runtimes, clock, observer, limits } = this.#deps;
    const runtime = runtimes.get(request.target.runtime);
    if (runtime === undefined) throw new ExecgateError("RUNTIME_UNAVAILABLE", `The runtime ${request.target.runtime} is not there.`);
    this.checkRoom(request, permit);
    this.#checkRate(request.principal, permit);
    const session = new Session(createId(clock.now()), request, { runtime, clock, observer, limits, witness }, permit);
    this.#live.set(session.id, session);
    this.#count(request.principal, 1);
    this.#collectBytes += reserved(request);
    this.#descriptors.take(descriptorsPerSession);
    void session.finished.then((outcome) => this.#leave(session, outcome !== undefined));
    return session;
  }

  /** Whether there is room for a request now. @throws DRAINING, TOO_MANY_SESSIONS, OVERLOADED */
  checkRoom(request: ExecRequest, permit: Permit): void {
    const { limits } = this.#deps;
    if (this.#isDraining) throw new ExecgateError("DRAINING", "The gateway is shutting down and starts nothing more.");
    if (this.#live.size >= limits.sessionsMax) {
      throw new ExecgateError("TOO_MANY_SESSIONS", `All ${limits.sessionsMax} sessions are in use; try again later.`, { retryAfterS: 1 });
    }
    const ownMax = Math.min(limits.sessionsPerPrincipalMax, permit.sessionsPerPrincipalMax ?? Number.POSITIVE_INFINITY);
    if ((this.#countByPrincipal.get(request.principal) ?? 0) >= ownMax) {
      const message = `You have ${ownMax} sessions already; end one or wait.`;
      throw new ExecgateError("TOO_MANY_SESSIONS", message, { retryAfterS: 1 });
    }
    if (!this.#descriptors.has(descriptorsPerSession)) {
      const message = "The gateway has no file descriptors left for another command; try again later, or raise its limit of open files.";
      throw new ExecgateError("OVERLOADED", message, { retryAfterS: 1 });
    }
    if (this.#collectBytes + reserved(request) > limits.collectBytesTotal) {
      const message = "The memory for output and stdin is in use by other requests; ask for less (outputBytesMax) or try again later.";
      throw new ExecgateError("OVERLOADED", message, { retryAfterS: 1 });
    }
  }

  /** The session of this id, live or ended. */
  get(id: string): Session | undefined {
    return this.#live.get(id) ?? this.#ended.get(id)?.session;
  }

  /** All of them, ended ones first, each kind oldest first. */
  *list(): Iterable<Session> {
    for (const { session } of this.#ended.values()) yield session;
    yield* this.#live.values();
  }

  /** Lets go of an ended session's output: its answer was given, and nobody can have been promised it. */
  forgetOutput(session: Session): void {
    session.forgetOutput();
    const kept = this.#ended.get(session.id);
    if (kept === undefined) return;
    const bytes = sizeOfRequest(session.request);
    this.#endedBytes -= kept.bytes - bytes;
    kept.bytes = bytes;
  }

  /** Lets go of all of an ended session: whoever started it has its answer, and nobody else will ask. */
  forget(session: Session): void {
    this.#forget(session.id);
  }

  /** Admits nothing more; resolves when no session is left. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#live.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty.push(resolve);
    });
  }

  /** Ends every session: because the gateway ends, unless it is for another reason. @param isUrgent as `Session.stop` has it */
  stopAll(reason: EndedBy = "shutdown", isUrgent?: boolean): void {
    for (const session of this.#live.values()) session.stop(reason, isUrgent);
  }

  /** Lets go of the ended ones and of their timers. */
  close(): void {
    for (const id of [...this.#ended.keys()]) this.#forget(id);
  }

  /** Comes last, because whoever is let through here is counted. */
  #checkRate(principal: string, permit: Permit): void {
    const { execsPerMinutePerPrincipal: forAll } = this.#deps.limits;
    const perMinute = Math.min(forAll || Number.POSITIVE_INFINITY, permit.execsPerMinutePerPrincipal ?? Number.POSITIVE_INFINITY);
    if (perMinute === Number.POSITIVE_INFINITY) return;
    const retryAfterS = this.#rate.take(principal, perMinute);
    if (retryAfterS === undefined) return;
    throw new ExecgateError("TOO_MANY_REQUESTS", `You may start ${perMinute} commands a minute; wait ${retryAfterS} s.`, { retryAfterS });
  }

  #count(principal: string, by: 1 | -1): void {
    const count = (this.#countByPrincipal.get(principal) ?? 0) + by;
    if (count === 0) this.#countByPrincipal.delete(principal);
    else this.#countByPrincipal.set(principal, count);
  }

  #leave(session: Session, isStarted: boolean): void {
    this.#live.delete(session.id);
    this.#count(session.request.principal, -1);
    this.#collectBytes -= reserved(session.request);
    this.#descriptors.giveBack(descriptorsPerSession);
    if (isStarted) this.#keep(session);
    if (this.#live.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  #keep(session: Session): void {
    const { clock, limits } = this.#deps;
    const { counts } = session.log;
    const cap = session.request.collect?.bytesMax ?? 0;
    const bytes = sizeOfRequest(session.request) + session.log.cost + Math.min(cap, counts.stdout) + Math.min(cap, counts.stderr);
    this.#ended.set(session.id, { session, bytes, untilMs: clock.monotonicMs() + endedKeptMs });
    if (this.#ended.size === 1) this.#forgetInTime();
    this.#endedBytes += bytes;
    for (const id of this.#ended.keys()) {
      if (this.#ended.size <= limits.endedSessionsMax && this.#endedBytes <= limits.endedBytesMax) break;
      this.#forget(id);
    }
  }

  #forget(id: string): void {
    const kept = this.#ended.get(id);
    if (kept === undefined) return;
    this.#endedBytes -= kept.bytes;
    this.#ended.delete(id);
    if (this.#ended.size === 0) this.#cancelForgetting?.();
  }

  /** Forgets what is due, and comes again when the next is. */
  #forgetInTime(): void {
    const { clock } = this.#deps;
    this.#cancelForgetting?.();
    for (const [id, { untilMs }] of this.#ended) {
      const restMs = untilMs - clock.monotonicMs();
      if (restMs > 0) {
        this.#cancelForgetting = clock.after(restMs, () => this.#forgetInTime());
        return;
      }
      this.#forget(id);
    }
  }
}

/**
 * What a request can take at the most while it runs: the output that is collected, of which a terminal has one stream only, and
 * the stdin that came with it, beyond what every client may have waiting.
 */
function reserved({ collect, spec, stdinBytes = 0 }: ExecRequest): number {
  return (collect?.bytesMax ?? 0) * (spec.tty === undefined ? 2 : 1) + Math.max(0, stdinBytes - stdinWindow);
}
