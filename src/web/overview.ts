/** What the gateway's metrics say at one moment, as far as the overview shows it. */
export interface Counts {
  /** Seconds of a clock that only grows. */
  readonly at: number;
  readonly sessions: number;
  /** Commands that were started, since the gateway's start. */
  readonly execs: number;
  /** Commands that ended with anything but exit code 0, and requests that were refused. */
  readonly failures: number;
}

/** The same as rates. */
export interface Sample {
  readonly at: number;
  readonly sessions: number;
  readonly execsPerSecond: number;
  readonly failuresPerSecond: number;
}

/** Samples that are kept: five minutes of one every two seconds. */
export const samplesMax = 150;

/** Reads the text that Prometheus reads. */
export function readCounts(text: string, at: number): Counts {
  const counts = { at, sessions: 0, execs: 0, failures: 0 };
  for (const line of text.split("\n")) {
    const value = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (line.startsWith("execgate_sessions_active{")) counts.sessions += value;
    else if (line.startsWith("execgate_exec_start_seconds_count{")) counts.execs += value;
    else if (line.startsWith("execgate_refused_total{")) counts.failures += value;
    else if (line.startsWith("execgate_execs_total{") && !line.includes('exit="zero"')) counts.failures += value;
  }
  return counts;
}

/** What happened between two readings; a gateway that was started anew counts from 0 again. */
export function sampleOf(before: Counts, now: Counts): Sample {
  const seconds = Math.max(now.at - before.at, 0.001);
  const rate = (from: number, to: number): number => (to < from ? to : to - from) / seconds;
  return {
    at: now.at,
    sessions: now.sessions,
    execsPerSecond: rate(before.execs, now.execs),
    failuresPerSecond: rate(before.failures, now.failures),
  };
}
