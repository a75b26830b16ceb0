import type { ExecRequest } from "../exec/request.ts";
import { SharedRun } from "../exec/shared-run.ts";
import { type CheckDeps, check, type Finding, requestOf } from "./check.ts";
import type { ProbeDefinition } from "./definition.ts";
import { type Candidate, select } from "./select.ts";
import { Turns } from "./turns.ts";

/** How one target is, by its latest check and those before it. */
export interface ProbeCheck extends Finding {
  readonly target: string;
  readonly status: "pass" | "fail";
  /** Checks that failed one after another, up to this one; below the threshold the status stays what it was. */
  readonly failures: number;
}

/** Told what probes find. */
export interface ProbeObserver {
  /** A check has ended: whether every target passes by now, and how long the slowest of the latest checks took. */
  checked(probe: string, isPassing: boolean, durationMs: number): void;
  /** There is no such probe any more. */
  removed(probe: string): void;
}

export interface ProbeDeps extends CheckDeps {
  readonly observer: ProbeObserver;
}

/** Targets that one probe checks at a time. */
const widthMax = 8;

/** One probe: however many ask, a target is checked by one command at a time, and its answer is kept for `cacheMs`. */
export class Probe {
  readonly definition: ProbeDefinition;
  readonly #deps: ProbeDeps;
  readonly #selected: SharedRun<readonly Candidate[]>;
  readonly #checks = new Map<string, SharedRun<ProbeCheck>>();
  readonly #turns = new Turns(widthMax);
  readonly #ended = new AbortController();
  /** What was selected last, by its id. */
  #candidates: ReadonlyMap<string, Candidate> = new Map();
  #cancelNext = (): void => undefined;
  #isStopped = false;

  constructor(definition: ProbeDefinition, deps: ProbeDeps) {
    this.definition = definition;
    this.#deps = deps;
    const selectNow = () => select(definition.selection, deps.runtimes, deps.clock);
    this.#selected = new SharedRun(selectNow, definition.cacheMs, deps.clock);
  }

  /** Runs it now and every `intervalMs` from here on, where that is wanted. */
  start(): void {
    if (this.definition.intervalMs > 0) void this.#runInterval();
  }

  /** Runs it no more unless it is asked for; what runs comes to its end. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelNext();
  }

  /** Ends what runs too: the probe is not there any more. */
  end(): void {
    this.stop();
    this.#ended.abort();
    this.#deps.observer.removed(this.definition.name);
  }

  /** What it checks, by now or a short time ago. */
  async candidates(): Promise<readonly Candidate[]> {
    return this.#take(await this.#selected.get());
  }

  /** What is run on a candidate, as policy may be asked about it. */
  requestOn({ id, labels }: Candidate): ExecRequest {
    const runtime = id.split(":")[0] ?? "";
    return requestOf(this.definition, { id, runtime, name: id, immutableId: id, state: "unknown", labels });
  }

  /** How these candidates are: by a check of before that is still good, or by one that is waited for. */
  ask(candidates: readonly Candidate[]): Promise<readonly ProbeCheck[]> {
    return Promise.all(candidates.map(({ id }) => this.#checkOf(id).get()));
  }

  /** The latest checks of these candidates; nothing is run. */
  latest(candidates: readonly Candidate[]): readonly (ProbeCheck | undefined)[] {
    return candidates.map(({ id }) => this.#checks.get(id)?.last);
  }

  async #runInterval(): Promise<void> {
    const { clock } = this.#deps;
    const beganMs = clock.monotonicMs();
    const candidates = this.#take(await this.#selected.refresh());
    if (this.#isStopped) return;
    await Promise.all(candidates.map(({ id }) => this.#checkOf(id).refresh()));
    if (this.#isStopped) return;
    const restMs = beganMs + this.definition.intervalMs - clock.monotonicMs();
    this.#cancelNext = clock.after(Math.max(0, restMs), () => void this.#runInterval());
  }

  /** Forgets what is not selected any more. */
  #take(candidates: readonly Candidate[]): readonly Candidate[] {
    this.#candidates = new Map(candidates.map((candidate) => [candidate.id, candidate]));
    for (const [id, run] of this.#checks) if (!this.#candidates.has(id) && !run.isRunning) this.#checks.delete(id);
    return candidates;
  }

  #checkOf(id: string): SharedRun<ProbeCheck> {
    const known = this.#checks.get(id);
    if (known !== undefined) return known;
    const { cacheMs } = this.definition;
    const made: SharedRun<ProbeCheck> = new SharedRun(() => this.#check(id, made.last), cacheMs, this.#deps.clock);
    this.#checks.set(id, made);
    return made;
  }

  async #check(target: string, before: ProbeCheck | undefined): Promise<ProbeCheck> {
    const finding = await this.#turns.run(() => this.#find(target));
    const failures = finding.fault === undefined ? 0 : (before?.failures ?? 0) + 1;
    const isForgiven = failures < this.definition.failureThreshold && before?.status === "pass";
    const done: ProbeCheck = { ...finding, target, failures, status: failures === 0 || isForgiven ? "pass" : "fail" };
    this.#tell(done);
    return done;
  }

  #find(id: string): Promise<Finding> {
    const fault = this.#candidates.get(id)?.fault;
    if (fault === undefined) return check(this.definition, id, this.#deps, this.#ended.signal);
    const checkedAt = this.#deps.clock.now();
    return Promise.resolve({ fault, exitCode: null, durationMs: 0, checkedAt, output: Buffer.alloc(0) });
  }

  /** Tells how the probe is, as soon as every target was looked at. */
  #tell(done: ProbeCheck): void {
    if (this.#ended.signal.aborted) return;
    const latest = [...this.#candidates.keys()].map((id) => (id === done.target ? done : this.#checks.get(id)?.last));
    const known = latest.filter((one) => one !== undefined);
    if (known.length < latest.length) return;
    const isPassing = known.every(({ status }) => status === "pass");
    this.#deps.observer.checked(this.definition.name, isPassing, Math.max(...known.map(({ durationMs }) => durationMs)));
  }
}
