import { isUtf8 } from "node:buffer";
import type { Collected, Encoding, Keep } from "../exec/collect.ts";

/** One stream of an answer. `truncated` is exactly: `bytes` is more than what `data` holds. */
export interface EncodedStream {
  readonly data: string;
  readonly encoding: "utf8" | "base64";
  readonly bytes: number;
  readonly truncated: boolean;
}

/**
 * Puts collected bytes into JSON without changing one: as text where they are valid UTF-8, else as base64. A character
 * that the cap cut is left out, and `auto` takes base64 also where escaping would make text the longer form.
 */
export function encodeStream({ kept, bytes }: Collected, keep: Keep, encoding: Encoding): EncodedStream {
  const isCut = bytes > kept.length;
  const whole = isCut && encoding !== "base64" ? withoutCutCharacter(kept, keep) : kept;
  if (isGivenAsText(whole, encoding)) return { data: whole.toString("utf8"), encoding: "utf8", bytes, truncated: bytes > whole.length };
  return { data: kept.toString("base64"), encoding: "base64", bytes, truncated: isCut };
}

/** One piece of a stream that goes on, by the same rule. */
export function encodePiece(bytes: Buffer, encoding: Encoding): { data: string; encoding: "utf8" | "base64" } {
  if (isGivenAsText(bytes, encoding)) return { data: bytes.toString("utf8"), encoding: "utf8" };
  return { data: bytes.toString("base64"), encoding: "base64" };
}

function isGivenAsText(bytes: Buffer, encoding: Encoding): boolean {
  if (encoding === "base64" || !isUtf8(bytes)) return false;
  return encoding === "utf8" || escapedLength(bytes) <= base64Length(bytes.length);
}

/** How many bytes at the end of `bytes` begin a character whose rest is missing: 0 to 3. */
export function cutTailLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

function withoutCutCharacter(kept: Buffer, keep: Keep): Buffer {
  if (keep === "head") return kept.subarray(0, kept.length - cutTailLength(kept));
  let start = 0;
  while (start < Math.min(3, kept.length) && ((kept[start] as number) & 0xc0) === 0x80) start++;
  return kept.subarray(start);
}

function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/** How many bytes JSON.stringify makes of valid UTF-8, the quotes left out; it stops counting where base64 is shorter. */
function escapedLength(bytes: Buffer): number {
  const limit = base64Length(bytes.length);
  let extra = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) continue;
    const isShort = byte === 0x22 || byte === 0x5c || (byte >= 8 && byte <= 13 && byte !== 11);
    extra += isShort ? 1 : 5;
    if (bytes.length + extra > limit) break;
  }
  return bytes.length + extra;
}
