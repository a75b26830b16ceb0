import { Readable } from "node:stream";
import type { Clock } from "../exec/clock.ts";
import type { Encoding } from "../exec/collect.ts";
import type { Cursor } from "../exec/cursor.ts";
import type { StreamName } from "../exec/runtime.ts";
import type { Session } from "../exec/session.ts";
import { cutTailLength, encodePiece } from "./encode-output.ts";

export interface LinesOptions {
  /** How much of each stream is told. */
  readonly bytesMax: number;
  readonly encoding: Encoding;
  readonly clock: Clock;
  /** How long the client may take nothing, milliseconds, until `onSlow` is called. */
  readonly slowClientMs: number;
  onSlow(): void;
}

/**
 * A session as lines of JSON: `started`, each piece of output up to `bytesMax` a stream, `exit`. Read as fast as the
 * client takes it, which is how slowness travels back to the command.
 */
export function streamLines(session: Session, cursor: Cursor, { bytesMax, encoding, clock, slowClientMs, onSlow }: LinesOptions): Readable {
  const watched = watch(lines(session, cursor, bytesMax, encoding), (then) => clock.after(slowClientMs, then), onSlow);
  return Readable.from(watched, { objectMode: false, highWaterMark: 128 * 1024 });
}

/** Hands pieces on, and calls `onSlow` when one is not followed by the wish for the next in time. */
async function* watch(source: AsyncIterable<Buffer>, after: (then: () => void) => () => void, onSlow: () => void): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    const cancel = after(onSlow);
    try {
      yield piece;
    } finally {
      cancel();
    }
  }
}

async function* lines(session: Session, cursor: Cursor, bytesMax: number, encoding: Encoding): AsyncGenerator<Buffer> {
  const { request, startedAt } = session;
  yield line({
    type: "started",
    id: session.id,
    target: request.target.id,
    startedAt: new Date(startedAt ?? session.createdAt).toISOString(),
  });
  const streams = { stdout: createSplitter(bytesMax), stderr: createSplitter(bytesMax) };
  const say = (stream: StreamName, piece: Buffer): Buffer => line({ type: stream, ...encodePiece(piece, encoding) });
  const count = (stream: StreamName) => ({ bytes: session.log.counts[stream], truncated: session.log.counts[stream] > bytesMax });
  for (let item = await cursor.next(); item !== undefined; item = await cursor.next()) {
    if (item.type !== "data") continue;
    const piece = streams[item.stream].take(item.bytes);
    if (piece.length > 0) yield say(item.stream, piece);
  }
  for (const stream of ["stdout", "stderr"] as const) {
    const rest = streams[stream].rest();
    const isCutByCap = encoding !== "base64" && count(stream).truncated;
    if (rest.length > 0 && !isCutByCap) yield say(stream, rest);
  }
  const outcome = await session.finished;
  yield line({ type: "exit", ...outcome, stdout: count("stdout"), stderr: count("stderr") });
}

function line(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Cuts a stream at its cap, and never within a character: the beginning of one waits for its rest. */
function createSplitter(bytesMax: number) {
  let room = bytesMax;
  let held: Buffer = Buffer.alloc(0);
  return {
    take(bytes: Buffer): Buffer {
      const admitted = bytes.subarray(0, room);
      room -= admitted.length;
      const all = held.length === 0 ? admitted : Buffer.concat([held, admitted]);
      const cut = cutTailLength(all);
      held = all.subarray(all.length - cut);
      return all.subarray(0, all.length - cut);
    },
    /** The beginning of a character that never came whole. */
    rest: (): Buffer => held,
  };
}
