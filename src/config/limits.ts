import { type Static, Type } from "../typebox.ts";
import { count, section } from "./fields.ts";

/** The longest that the timers of a server can wait, which is 24 days. */
const delayMsMax = 2 ** 31 - 1;

/** `limits`: every bound that an operator may want to move. 0 is none where that makes sense. */
export const limitsSchema = section({
  execTimeoutMsDefault: count(30_000),
  execTimeoutMsMax: count(86_400_000),
  outputBytesDefault: count(1_048_576, 0, 16_777_216),
  outputBytesMax: count(16_777_216, 0, 16_777_216),
  collectBytesTotal: count(268_435_456),
  replayBytes: count(1_048_576, 65_536),
  bodyBytesMax: count(1_048_576, 1024),
  drainMs: count(250),
  killGraceMs: count(0),
  idleMs: count(0),
  keepMsDefault: count(0),
  keepMsMax: count(86_400_000),
  shutdownMs: count(30_000),
  slowClientMs: count(60_000, 1, delayMsMax),
  heartbeatMs: count(15_000, 1),
  headMs: count(8000, 1, delayMsMax),
  descriptorsReserved: count(64),
  sessionsMax: count(2000, 1),
  sessionsPerPrincipalMax: count(2000, 1),
  clientsPerSessionMax: count(100, 1),
  execsPerMinutePerPrincipal: count(0),
  ticketsMax: count(1000),
  ticketBytesMax: count(16_777_216),
  sharesMax: count(1000),
  shareMsMax: count(86_400_000, 1000),
  endedSessionsMax: count(1000),
  endedBytesMax: count(67_108_864),
  processesPerSessionMax: count(512),
  memoryBytesPerSessionMax: count(0),
  cpusPerSessionMax: Type.Number({ minimum: 0, default: 0, expected: "a number of processors" }),
  openFilesPerSessionMax: count(0),
});

type Limits = Static<typeof limitsSchema>;

/** Holds the defaults to their maxima: who lowers one of these needs not lower the default with it. */
export function holdDefaults(limits: Limits): Limits {
  return {
    ...limits,
    execTimeoutMsDefault: Math.min(limits.execTimeoutMsDefault, limits.execTimeoutMsMax),
    outputBytesDefault: Math.min(limits.outputBytesDefault, limits.outputBytesMax),
    keepMsDefault: Math.min(limits.keepMsDefault, limits.keepMsMax),
  };
}
