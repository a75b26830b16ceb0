import { type ChainEnd, chainStart, hashLine, readLink } from "./chain.ts";

/** What the lines of a trail prove. */
export type Verdict =
  | { readonly isIntact: true; readonly count: number; readonly first: ChainEnd | undefined; readonly last: ChainEnd | undefined }
  | { readonly isIntact: false; readonly line: number; readonly reason: string };

interface Read extends ChainEnd {
  readonly line: number;
  readonly prevHash: string;
}

/**
 * Follows the chain through the lines of a file and finds the first that was changed, removed or moved. The first line
 * may carry on from another file, whose last line its `prevHash` names. Holds no more than two lines.
 *
 * A line whose `prevHash` is not the hash of the one before it says that one of the two was changed: the one behind
 * it tells which, and where there is none, the first of the two is named. What happened to the last line, only the
 * next one or a copy can show.
 * @param chunks the file's bytes
 * @param earlier the last line of the file before it, when that is known
 */
export async function verifyTrail(chunks: AsyncIterable<Buffer>, earlier?: ChainEnd): Promise<Verdict> {
  let before: Read | undefined;
  let first: ChainEnd | undefined;
  let suspect: Read | undefined;
  let count = 0;
  for await (const { bytes, isWhole } of linesOf(chunks)) {
    count++;
    const link = isWhole ? readLink(bytes) : undefined;
    if (suspect !== undefined) return changed(link?.prevHash === suspect.hash ? suspect.line - 1 : suspect.line);
    if (link === undefined) return broken(count, isWhole ? "is not a line of an audit trail" : "has no end");
    const read: Read = { ...link, line: count, hash: hashLine(bytes) };
    if (before === undefined) {
      if ((read.seq === 1) !== (read.prevHash === chainStart.hash)) return changed(1);
      if (earlier !== undefined && (read.seq !== earlier.seq + 1 || read.prevHash !== earlier.hash)) {
        return broken(1, "does not carry on from the last line of the file before");
      }
      first = { seq: read.seq, hash: read.prevHash };
    } else if (read.seq !== before.seq + 1) {
      // Nothing says which number the first line should have, unless it is the first that ever was: a smaller one behind it proves it wrong.
      const isFirstWrong = before.line === 1 && before.seq > 1 && read.seq <= before.seq;
      return isFirstWrong ? changed(1) : broken(count, misplaced(read.seq, before.seq + 1));
    }
    if (before !== undefined && read.prevHash !== before.hash) suspect = read;
    before = read;
  }
  if (suspect !== undefined) return changed(suspect.line - 1);
  return { isIntact: true, count, first, last: before && { seq: before.seq, hash: before.hash } };
}

function broken(line: number, reason: string): Verdict {
  return { isIntact: false, line, reason };
}

function changed(line: number): Verdict {
  return broken(line, "was changed or moved");
}

function misplaced(seq: number, expected: number): string {
  const missing = seq > expected ? `: what stood there was removed or moved` : ": it was moved or repeated";
  return `has seq ${seq} where ${expected} belongs${missing}`;
}

/** The longest line that can be one of ours, bytes; a longer run without a newline is not kept. */
const lineBytesMax = 4 * 1024 * 1024;

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncIterable<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield { bytes: Buffer.concat([...pieces, chunk.subarray(from, at)]), isWhole: true };
      pieces = [];
      length = 0;
      from = at + 1;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > lineBytesMax) break;
  }
  if (pieces.length > 0) yield { bytes: Buffer.concat(pieces), isWhole: false };
}
