import { Readable } from "node:stream";
import type { Cursor } from "../exec/log.ts";
import type { StreamName } from "../exec/runtime.ts";
import type { Session } from "../exec/session.ts";
import { cutTailLength, type Encoding, encodePiece } from "./encode-output.ts";

/**
 * A session as lines of JSON: `started`, each piece of output up to `bytesMax` a stream, `exit`. Read as fast as the
 * client takes it, which is how slowness travels back to the command.
 */
export function streamLines(session: Session, cursor: Cursor, bytesMax: number, encoding: Encoding): Readable {
  return Readable.from(lines(session, cursor, bytesMax, encoding), { objectMode: false, highWaterMark: 128 * 1024 });
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
  const say = (stream: StreamName, piece: Buffer): Buffer =>
    line({ type: stream, ...(encoding === "base64" ? { data: piece.toString("base64"), encoding } : encodePiece(piece)) });
  for (let item = await cursor.next(); item !== undefined; item = await cursor.next()) {
    if (item.type !== "data") continue;
    const piece = streams[item.stream].take(item.bytes);
    if (piece.length > 0) yield say(item.stream, piece);
  }
  for (const stream of ["stdout", "stderr"] as const) {
    const rest = streams[stream].rest();
    if (rest.length > 0) yield say(stream, rest);
  }
  const outcome = await session.finished;
  const count = (stream: StreamName) => ({ bytes: session.log.counts[stream], truncated: session.log.counts[stream] > bytesMax });
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
