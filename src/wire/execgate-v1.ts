/** `v1.execgate`, the server's side: binary frames are data behind one channel byte, text frames are JSON control messages. */
import { type Allocate, channelFrame } from "./channel-frame.ts";
import { type ClientMessage, type CodecOptions, type Frame, type ServerCodec, type ServerMessage, WireError } from "./codec.ts";
import { isSignal } from "./signal-names.ts";
import { terminalSize } from "./terminal-size.ts";

export const stdinChannel = 0;
export const stdoutChannel = 1;
export const stderrChannel = 2;

/** No control message comes near it; a longer text is refused before it is parsed, as nesting makes parsing slow. */
const controlBytesMax = 4096;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const nothing: readonly never[] = [];

/** The server's codec. The protocol has a word for everything and no state, so that it needs nothing of the options. */
export function createServerCodec(_options: CodecOptions): ServerCodec {
  return {
    open: () => nothing,
    decode: (data, isBinary) => (isBinary ? decodeData(data) : decodeControl(data)),
    encode,
  };
}

function encode(message: ServerMessage, allocate?: Allocate): readonly Frame[] {
  if (message.type !== "output") return [JSON.stringify(message)];
  if (message.bytes.byteLength === 0) return nothing;
  return [channelFrame(message.stream === "stdout" ? stdoutChannel : stderrChannel, message.bytes, allocate)];
}

function decodeData(data: Uint8Array): readonly ClientMessage[] {
  if (data.byteLength === 0) throw badMessage("a binary frame must begin with a channel byte");
  if (data[0] !== stdinChannel) throw badMessage(`a client cannot write to channel ${data[0]}`);
  return data.byteLength === 1 ? nothing : [{ type: "stdin", bytes: data.subarray(1) }];
}

function decodeControl(data: Uint8Array): readonly ClientMessage[] {
  if (data.byteLength > controlBytesMax) throw badMessage(`a control message may have ${controlBytesMax} bytes`);
  const text = decodeText(data);
  const fields = parseObject(text);
  const message = readMessage(fields);
  // Every value that was let through is a number or a word without a colon: more colons than keys means that a key came twice.
  if (text.split(":").length - 1 !== Object.keys(fields).length) throw badMessage("a key came twice");
  return message === undefined ? nothing : [message];
}

function decodeText(data: Uint8Array): string {
  try {
    return utf8.decode(data);
  } catch {
    throw new WireError(1007, "a text frame must be UTF-8");
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badMessage("a text frame must be JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badMessage("a control message must be a JSON object");
  return value as Fields;
}

/** The message, or undefined for one that is well formed and asks for nothing. */
function readMessage(fields: Fields): ClientMessage | undefined {
  switch (fields.type) {
    case "resize": {
      allowKeys(fields, ["cols", "rows"]);
      const size = terminalSize(integer(fields, "cols"), integer(fields, "rows"));
      return size && { type: "resize", ...size };
    }
    case "signal":
      allowKeys(fields, ["signal"]);
      if (!isSignal(fields.signal)) throw badMessage("signal: expected the name of a signal, such as SIGINT");
      return { type: "signal", signal: fields.signal };
    case "ack":
      allowKeys(fields, ["bytes"]);
      return { type: "ack", bytes: count(fields, "bytes") };
    case "eof":
    case "detach":
      allowKeys(fields, []);
      return { type: fields.type };
    default:
      throw badMessage("type: expected resize, eof, signal, ack or detach");
  }
}

/** Refuses keys that are not known, so that a misspelt one is never silently without effect. */
function allowKeys(fields: Fields, keys: readonly string[]): void {
  const unknown = Object.keys(fields).find((key) => key !== "type" && !keys.includes(key));
  if (unknown !== undefined) throw badMessage(`${unknown.slice(0, 40)}: there is no such key in this message`);
}

function integer(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== "number" || !Number.isInteger(value)) throw badMessage(`${key}: expected an integer`);
  return value;
}

function count(fields: Fields, key: string): number {
  const value = integer(fields, key);
  if (value < 0 || !Number.isSafeInteger(value)) throw badMessage(`${key}: expected a number of bytes`);
  return value;
}

/** The text becomes a close reason, which has room for 123 bytes. */
function badMessage(message: string): WireError {
  return new WireError(4400, message);
}
