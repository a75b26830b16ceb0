import type { Glob } from "../access/policy/glob.ts";
import type { Clock } from "../exec/clock.ts";
import type { Labels, Runtime, Target } from "../exec/runtime.ts";
import { hasLabels, listTargets } from "../exec/targets.ts";
import { isGlob, type Selection } from "./definition.ts";

/** What a probe is to check: a target by its id, or with `fault` what the selection names and is not there, by its own words. */
export interface Candidate {
  readonly id: string;
  /** Undefined where the runtime was not asked for them. */
  readonly labels?: Labels | undefined;
  readonly fault?: string;
}

/** Some of what a selection names: the words that name it, and where that can be. */
interface Wanted {
  readonly words: string;
  isIn(runtime: string): boolean;
  is(target: Target): boolean;
}

/**
 * What a selection stands for now. Words that no target answers to and runtimes that do not answer are candidates too,
 * which fail: what could not be looked at is not known to be well.
 */
export async function select(selection: Selection, runtimes: ReadonlyMap<string, Runtime>, clock: Clock): Promise<readonly Candidate[]> {
  const [ids, wanted] = readSelection(selection);
  const candidates: Candidate[] = ids.map((id) => ({ id }));
  if (wanted.length > 0) {
    const asked = [...runtimes.values()].filter(({ name }) => wanted.some((one) => one.isIn(name)));
    const { targets, unavailable } = await listTargets(asked, clock);
    candidates.push(...wanted.flatMap((one) => candidatesOf(one, targets, unavailable)));
  }
  return [...new Map(candidates.map((candidate) => [candidate.id, candidate])).values()];
}

/** The targets that are named by their ids, which nobody has to be asked for, and what is to be looked for. */
function readSelection(selection: Selection): [ids: string[], wanted: Wanted[]] {
  if (selection.kind === "labels") return [[], [byLabels(selection.labels)]];
  const ids = selection.globs.filter((glob) => !isGlob(glob)).map(({ text }) => text);
  return [ids, selection.globs.filter(isGlob).map(byGlob)];
}

function byLabels(labels: Readonly<Record<string, string>>): Wanted {
  const all = Object.entries(labels);
  return {
    words: all.map(([name, value]) => `${name}=${value}`).join(","),
    isIn: () => true,
    is: (target) => hasLabels(target, all),
  };
}

function byGlob(glob: Glob): Wanted {
  // Where the runtime's name stands before the first wildcard, no other has to be asked.
  const runtime = /^([^*?:]*):/.exec(glob.text)?.[1];
  return { words: glob.text, isIn: (name) => runtime === undefined || runtime === name, is: ({ id }) => glob.matches(id) };
}

function candidatesOf({ words, isIn, is }: Wanted, targets: readonly Target[], unavailable: readonly string[]): readonly Candidate[] {
  const found = targets.filter(is).map(({ id, labels }) => ({ id, labels }));
  const missing = unavailable.filter(isIn);
  if (missing.length > 0) return [...found, { id: words, fault: `${missing.join(", ")} cannot be asked for its targets` }];
  return found.length > 0 ? found : [{ id: words, fault: "no target matches" }];
}
