/** The stages of a one-shot exec on the host in their order, and what happens in each. */
export const stages = {
  request: "request read, checked and authorized",
  prepare: "account, environment and control group found",
  audit: "line of the audit trail on disk",
  launch: "launcher woken, clone, execve, and back on the loop",
  command: "command's end seen by the loop",
  output: "rest of both streams read",
  verify: "nobody left in the control group",
  answer: "group given back, answer written",
} as const;

export type Stage = keyof typeof stages;

/** When a stage was over, milliseconds; `begin` is before the first. */
export type Mark = readonly [stage: Stage | "begin", atMs: number];

/** What each stage of one exec took, and all of them together, microseconds. */
export type Spent = Readonly<Record<Stage | "all", number>>;

/** A stage that comes twice counts as both. */
export function spentIn(marks: readonly Mark[]): Spent {
  const spent = { request: 0, prepare: 0, audit: 0, launch: 0, command: 0, output: 0, verify: 0, answer: 0, all: 0 };
  let before: number | undefined;
  for (const [stage, atMs] of marks) {
    const us = (atMs - (before ?? atMs)) * 1000;
    before = atMs;
    if (stage === "begin") continue;
    spent[stage] += us;
    spent.all += us;
  }
  return spent;
}
