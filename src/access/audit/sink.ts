import type { ChainEnd } from "./chain.ts";

/** Where the lines of a trail go: a file, or stdout. */
export interface AuditSink {
  /** The last line that was there when it was opened; undefined where there was none, or where nothing can be read back. */
  readonly end: ChainEnd | undefined;
  /** Bytes of a half line that were cut off when it was opened. */
  readonly cutBytes: number;
  /** Appends whole lines, all of them or none; they are on disk when it resolves. */
  append(lines: Buffer): Promise<void>;
  /** @throws Error when nothing could be appended now */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the sink. @param previous the one that failed before, of whose last lines none may stay behind */
export type OpenSink = (previous?: AuditSink) => Promise<AuditSink>;
