import type { Clock } from "../../exec/clock.ts";
import type { AuditEvent, Failure } from "./events.ts";

/** Lines about failures that are written in a minute: whoever has no credential must not be able to fill the disk. */
export const failuresMax = 120;
const windowMs = 60_000;
const pathLengthMax = 256;

/** Writes failures down, up to a number in a minute; the next one that is written tells how many were left out. */
export function createFailureLimit(clock: Clock, record: (event: AuditEvent) => void): (failure: Failure) => void {
  let [windowEndsMs, written, unwritten] = [0, 0, 0];
  return ({ path, ...failure }) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= windowEndsMs) [windowEndsMs, written] = [nowMs + windowMs, 0];
    if (written >= failuresMax) {
      unwritten++;
      return;
    }
    record({ ...failure, path: path.slice(0, pathLengthMax), unwritten });
    written++;
    unwritten = 0;
  };
}
