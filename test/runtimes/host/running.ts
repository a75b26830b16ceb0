import type { ExecSpec, Process, Runtime } from "../../../src/exec/runtime.ts";
import { createHostRuntime, type HostOptions } from "../../../src/runtimes/host/index.ts";
import { type Ran, run as runOn, start as startOn } from "../../conformance/process.ts";

/** Whether this process may take other identities; the tests of users need it. */
export const isRoot = process.getuid?.() === 0;

/** The reason to skip a test that needs root. */
export const needsRoot = isRoot ? false : "only root can run commands as others";

export const sh = ["/bin/sh", "-c"] as const;

export interface Host {
  readonly runtime: Runtime;
  run(spec: Partial<ExecSpec>, input?: Uint8Array): Promise<Ran>;
  start(spec: Partial<ExecSpec>): Promise<Process>;
  /** The lines that a script writes to stdout. */
  lines(script: string, spec?: Partial<ExecSpec>): Promise<string[]>;
}

/** A host runtime and short ways to use it. */
export function createHost(options: HostOptions = {}): Host {
  const runtime = createHostRuntime(options);
  return {
    runtime,
    run: (spec, input) => runOn(runtime, runtime.name, spec, input),
    start: (spec) => startOn(runtime, runtime.name, spec),
    async lines(script, spec = {}) {
      const { stdout } = await runOn(runtime, runtime.name, { command: [...sh, script], ...spec });
      return stdout.toString().trimEnd().split(/\r?\n/);
    },
  };
}
