/**
 * Loaded into a gateway by `--import`: notes when each stage of a one-shot exec is over, and writes all of it into the file of
 * EXECGATE_BENCH_MARKS at the end. The source knows nothing of it: what stands between the stages are the methods that it wraps.
 * Only for execs one after the other.
 */
import { subscribe } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import { AuditTrail } from "../../src/access/audit/trail.ts";
import { Sessions } from "../../src/exec/sessions.ts";
import { CgroupTree } from "../../src/runtimes/host/cgroup-tree.ts";
import { Launcher } from "../../src/runtimes/host/launcher.ts";
import { native } from "../../src/runtimes/host/native.ts";
import type { Mark, Stage } from "./stages.ts";

const execs: Mark[][] = [];
let current: Mark[] = [];

function mark(stage: Stage): void {
  current.push([stage, performance.now()]);
}

/** Marks `before` when a method is called, and `after` when what it returns has settled. */
function wrap<Name extends string>(
  target: Record<Name, (...args: never[]) => unknown>,
  name: Name,
  { before, after }: { readonly before?: Stage; readonly after?: Stage },
): void {
  const original = target[name] as (...args: unknown[]) => unknown;
  Object.assign(target, {
    [name](this: unknown, ...args: unknown[]): unknown {
      if (before !== undefined) mark(before);
      const result = Reflect.apply(original, this, args);
      if (after === undefined) return result;
      if (result instanceof Promise) return result.finally(() => mark(after));
      mark(after);
      return result;
    },
  });
}

wrap(Sessions.prototype, "admit", { before: "request" });
wrap(AuditTrail.prototype, "commit", { before: "prepare", after: "audit" });
wrap(Launcher.prototype, "spawn", { before: "prepare", after: "launch" });
wrap(native, "exitOf", { before: "command" });
wrap(CgroupTree.prototype, "end", { before: "output", after: "verify" });

subscribe("http.server.request.start", () => {
  current = [["begin", performance.now()]];
});
subscribe("http.server.response.finish", () => {
  mark("answer");
  execs.push(current);
});
process.on("exit", () => writeFileSync(process.env.EXECGATE_BENCH_MARKS ?? "", JSON.stringify(execs)));
