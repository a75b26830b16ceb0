import type { AuditEvent } from "./events.ts";

/** What is told of events that are not in the trail, in the place where they would stand. */
export type Gap = Extract<AuditEvent, { readonly event: "audit.gap" }>;

/** How much a gap holds. */
export type GapCounts = Pick<Gap, "lost" | "refused" | "cutBytes">;

/** One gap for two that follow each other: it began with the first. */
export function mergeGaps(older: Gap | undefined, newer: Gap | undefined): Gap | undefined {
  if (older === undefined || newer === undefined) return older ?? newer;
  return {
    ...older,
    lost: older.lost + newer.lost,
    refused: older.refused + newer.refused,
    cutBytes: older.cutBytes + newer.cutBytes,
  };
}
