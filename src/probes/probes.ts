import type { ProbeDefinition } from "./definition.ts";
import { Probe, type ProbeDeps } from "./probe.ts";

/** All probes there are, by their names. */
export class Probes {
  readonly #deps: ProbeDeps;
  #probes: ReadonlyMap<string, Probe> = new Map();
  #isRunning = false;

  constructor(definitions: readonly ProbeDefinition[], deps: ProbeDeps) {
    this.#deps = deps;
    this.replace(definitions);
  }

  get(name: string): Probe | undefined {
    return this.#probes.get(name);
  }

  list(): Iterable<Probe> {
    return this.#probes.values();
  }

  /** Goes on with these: what is declared as before keeps what it knows, the others are ended or begun. */
  replace(definitions: readonly ProbeDefinition[]): void {
    const before = this.#probes;
    const next = new Map<string, Probe>();
    for (const definition of definitions) {
      const known = before.get(definition.name);
      next.set(definition.name, known !== undefined && isSame(known.definition, definition) ? known : new Probe(definition, this.#deps));
    }
    for (const probe of before.values()) if (next.get(probe.definition.name) !== probe) probe.end();
    this.#probes = next;
    if (!this.#isRunning) return;
    for (const probe of next.values()) if (before.get(probe.definition.name) !== probe) probe.start();
  }

  /** From here on those with an interval are run by themselves. */
  start(): void {
    this.#isRunning = true;
    for (const probe of this.#probes.values()) probe.start();
  }

  /** Nothing is run any more unless it is asked for. */
  stop(): void {
    this.#isRunning = false;
    for (const probe of this.#probes.values()) probe.stop();
  }
}

/** Globs and patterns are the same when their texts are. */
function isSame(one: ProbeDefinition, other: ProbeDefinition): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
