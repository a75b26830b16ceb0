import { hash } from "node:crypto";

/** The last line of a trail: its number, and the SHA-256 of its exact bytes without the newline, in hex. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

/** What stands before the first line that ever was. */
export const chainStart: ChainEnd = { seq: 0, hash: "0".repeat(64) };

/** What every line begins with, by which half a line is known for one of ours. */
export const lineStart = '{"seq":';
const newline = 10;

/** A line without its newline, as JSON text and as the end of the chain that it makes. */
export interface ChainedLine {
  readonly text: string;
  readonly end: ChainEnd;
}

/** Chains a line to the one before it. @param rest the members of the line behind its place in the chain, and its closing brace */
export function chainLine(before: ChainEnd, rest: string): ChainedLine {
  const seq = before.seq + 1;
  const text = `${lineStart}${seq},"prevHash":"${before.hash}",${rest}`;
  return { text, end: { seq, hash: hashLine(text) } };
}

/** Chains lines to the one before them. Each goes into its place among the bytes by itself: a text of all would be one more copy. */
export function chainLines(before: ChainEnd, rests: readonly string[]): { readonly bytes: Buffer; readonly end: ChainEnd } {
  const texts: string[] = [];
  let [end, size] = [before, 0];
  for (const rest of rests) {
    const line = chainLine(end, rest);
    texts.push(line.text);
    size += Buffer.byteLength(line.text) + 1;
    end = line.end;
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const text of texts) at = bytes.writeUInt8(newline, at + bytes.write(text, at));
  return { bytes, end };
}

export function hashLine(line: string | Buffer): string {
  return hash("sha256", line, "hex");
}

/** What a line says of its place in the chain; undefined when it is not a line of a trail. */
export function readLink(line: Buffer): { readonly seq: number; readonly prevHash: string } | undefined {
  try {
    const { seq, prevHash } = JSON.parse(line.toString("utf8")) as Record<string, unknown>;
    if (!Number.isSafeInteger(seq) || (seq as number) < 1) return undefined;
    if (typeof prevHash !== "string" || !/^[0-9a-f]{64}$/.test(prevHash)) return undefined;
    return { seq: seq as number, prevHash };
  } catch {
    return undefined;
  }
}
