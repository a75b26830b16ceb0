import type { Size } from "../exec/runtime.ts";
import { WireError } from "./codec.ts";
import { terminalSize } from "./terminal-size.ts";

/** A size takes about 30 bytes; what is longer than this is no sequence of sizes. */
const pendingBytesMax = 4096;
const utf8 = new TextDecoder();

/**
 * Reads the resize channel: JSON values that follow each other with or without white space and may be cut anywhere by
 * frames. `push` gives the last complete size in what has come, because the last of a burst wins.
 *
 * As in Go's decoder, text that is no JSON object leaves the channel deaf and the session alive.
 */
export function createResizeReader(): { push(bytes: Uint8Array): Size | undefined } {
  let pending: Uint8Array = new Uint8Array(0);
  let isDeaf = false;
  return {
    push(bytes) {
      if (isDeaf) return undefined;
      const { values, rest } = splitObjects(append(pending, bytes));
      pending = rest;
      let size: Size | undefined;
      for (const value of values) {
        const fields = parse(value);
        isDeaf ||= fields === undefined;
        size = fields === undefined ? size : (readSize(fields) ?? size);
      }
      return size;
    },
  };
}

function append(pending: Uint8Array, bytes: Uint8Array): Uint8Array {
  const length = pending.byteLength + bytes.byteLength;
  if (length > pendingBytesMax) throw new WireError(1002, `a terminal size may have ${pendingBytesMax} bytes`);
  const joined = new Uint8Array(length);
  joined.set(pending);
  joined.set(bytes, pending.byteLength);
  return joined;
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Cuts behind every brace that closes an object; the marks are ASCII, so that a character cut by a frame does not matter. */
function splitObjects(bytes: Uint8Array): { values: readonly string[]; rest: Uint8Array } {
  const values: string[] = [];
  let start = 0;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < bytes.byteLength; index++) {
    const byte = bytes[index];
    if (inString) {
      if (byte === backslash) index++;
      else inString = byte !== quote;
    } else if (byte === quote) inString = true;
    else if (byte === openBrace) depth++;
    else if (byte === closeBrace && --depth <= 0) {
      values.push(utf8.decode(bytes.subarray(start, index + 1)));
      start = index + 1;
      depth = 0;
    }
  }
  return { values, rest: bytes.subarray(start) };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields | undefined {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return undefined;
  }
}

/** Keys in any case, as Go reads them; kubectl writes `Width`, the JavaScript client `width`. */
function readSize(fields: Fields): Size | undefined {
  let [width, height]: unknown[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (key.toLowerCase() === "width") width = value;
    if (key.toLowerCase() === "height") height = value;
  }
  if (typeof width !== "number" || typeof height !== "number") return undefined;
  return Number.isInteger(width) && Number.isInteger(height) ? terminalSize(width, height) : undefined;
}
