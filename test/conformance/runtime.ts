import { after, before, describe, test } from "node:test";
import type { Runtime } from "../../src/exec/runtime.ts";
import { scaleVariable } from "../fixtures/promise.ts";
import { endCases } from "./runtime-end.ts";
import { inputCases } from "./runtime-input.ts";
import { outputCases } from "./runtime-output.ts";
import { startCases } from "./runtime-start.ts";

/** A runtime as the suite sees it. The target has a POSIX shell with cat, head, seq, sleep and stty. */
export interface RuntimeSubject {
  readonly runtime: Runtime;
  /** A target that runs. */
  readonly targetId: string;
  readonly missingTargetId: string;
  /** A target that is there but does not run; undefined where there is no such thing. */
  readonly stoppedTargetId: string | undefined;
  /** How the target's shell is given a script. */
  readonly shell: readonly [string, "-c"];
  /** Takes down what `create` made; the runtime itself is closed by the suite. */
  dispose?(): Promise<void>;
}

export interface RuntimeConformanceOptions {
  /** Cases that this runtime does not pass, and why. */
  readonly skip?: readonly { readonly test: string; readonly reason: string }[];
  /** Smaller counts, for a runtime whose starts take long. With `EXECGATE_FAULTS=full` every runtime is tried with the whole ones. */
  readonly quick?: Counts;
}

interface Counts {
  /** Runs of a short burst. */
  readonly bursts: number;
  /** Starts that fail. */
  readonly failedStarts: number;
}

/** A case: what must hold, and the check of it. */
export type Case = readonly [name: string, check: (subject: RuntimeSubject) => Promise<void>];

const whole: Counts = { bursts: 200, failedStarts: 500 };

const isFull = process.env[scaleVariable] === "full";
const caseTimeoutMs = isFull ? 120_000 : 30_000;

/** Declares the tests that every runtime passes. `create` is called once. */
export function runtimeConformance(name: string, create: () => Promise<RuntimeSubject>, options: RuntimeConformanceOptions = {}): void {
  const { skip = [], quick = whole } = options;
  const { bursts, failedStarts } = isFull ? whole : quick;
  const cases = [...startCases(failedStarts), ...outputCases(bursts), ...inputCases, ...endCases];
  const unknown = skip.filter((entry) => !cases.some(([title]) => title === entry.test));
  if (unknown.length > 0) throw new Error(`there is no case called ${unknown.map((entry) => entry.test).join(", ")}`);

  describe(`${name} is a runtime`, { timeout: 10 * caseTimeoutMs }, () => {
    let subject: RuntimeSubject | undefined;
    before(async () => {
      subject = await create();
    });
    after(async () => {
      await subject?.runtime.close();
      await subject?.dispose?.();
    });
    for (const [title, check] of cases) {
      const reason = skip.find((entry) => entry.test === title)?.reason;
      test(title, { timeout: caseTimeoutMs, skip: reason ?? false }, async () => {
        if (subject) await check(subject);
      });
    }
  });
}
