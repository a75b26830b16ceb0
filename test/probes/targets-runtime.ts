import { ExecgateError } from "../../src/errors.ts";
import type { Clock } from "../../src/exec/clock.ts";
import type { Target } from "../../src/exec/runtime.ts";
import { type Behaviour, ScriptedRuntime } from "../fixtures/scripted-runtime.ts";

/** A runtime of several targets that come and go, on which scripted processes run. */
export class TargetsRuntime extends ScriptedRuntime {
  override readonly name: string;
  /** By name, with labels. */
  readonly present: Map<string, Readonly<Record<string, string>>>;
  isUp = true;
  /** How often its targets were asked for. */
  listed = 0;

  constructor(name: string, present: Record<string, Record<string, string>>, clock: Clock, behaviour?: Behaviour) {
    super(clock, behaviour);
    this.name = name;
    this.present = new Map(Object.entries(present));
  }

  override async targets(): Promise<readonly Target[]> {
    this.listed++;
    if (!this.isUp) throw new ExecgateError("RUNTIME_UNAVAILABLE", "It does not answer.");
    return [...this.present.keys()].map((name) => this.#target(name));
  }

  override async resolve(id: string): Promise<Target> {
    const name = id.slice(this.name.length + 1);
    if (!this.present.has(name)) throw new ExecgateError("TARGET_NOT_FOUND", `There is no target ${id}.`);
    return this.#target(name);
  }

  #target(name: string): Target {
    const labels = this.present.get(name) ?? {};
    return { id: `${this.name}:${name}`, runtime: this.name, name, immutableId: `${name}-1`, state: "running", labels };
  }
}
