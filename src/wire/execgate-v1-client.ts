/** `v1.execgate`, the client's side. Answers are open: message types, channels and keys that are not known are passed over. */
import { channelFrame } from "./channel-frame.ts";
import { type ClientMessage, type Frame, type ServerMessage, WireError } from "./codec.ts";
import { stderrChannel, stdinChannel, stdoutChannel } from "./execgate-v1.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The frame that says `message` to the server. */
export function encodeClient(message: ClientMessage): Frame {
  return message.type === "stdin" ? channelFrame(stdinChannel, message.bytes) : JSON.stringify(message);
}

/**
 * What the server said, or undefined for what this client does not know. The bytes of output share the frame's memory.
 * @throws WireError 4400 for a known message whose fields are not what they must be
 */
export function decodeServer(data: Uint8Array | string, isBinary: boolean): ServerMessage | undefined {
  if (!isBinary) return decodeControl(typeof data === "string" ? data : decodeText(data));
  if (typeof data === "string") throw badAnswer("a data frame that is text");
  if (data[0] === stdoutChannel) return { type: "output", stream: "stdout", bytes: data.subarray(1) };
  if (data[0] === stderrChannel) return { type: "output", stream: "stderr", bytes: data.subarray(1) };
  return undefined;
}

function decodeText(data: Uint8Array): string {
  try {
    return utf8.decode(data);
  } catch {
    throw badAnswer("a text frame that is not UTF-8");
  }
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => typeof value === "number";
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const orMissing =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string);

type Shape = Readonly<Record<string, Check>>;

/** What a client relies on in each message. Words that it only shows (`signal`, `endedBy`, `termination`) may grow. */
const shapes: { readonly [Type in Exclude<ServerMessage["type"], "output">]: Shape } = {
  attached: {
    session: isText,
    client: isText,
    target: isText,
    tty: isFlag,
    role: oneOf("writer", "viewer"),
    offset: isCount,
    stdinOffset: isCount,
    cols: isCount,
    rows: isCount,
    ackWindow: isCount,
    stdinWindow: isCount,
    heartbeatMs: orMissing(isCount),
  },
  accepted: { bytes: isCount },
  gap: { from: isCount, to: isCount },
  resized: { cols: isCount, rows: isCount },
  clients: { clients: Array.isArray },
  exit: {
    outcome: oneOf("exited", "timeout", "killed", "lost"),
    exitCode: orNull(isCount),
    signal: orNull(isText),
    endedBy: orNull(isText),
    drained: isFlag,
    termination: orNull(isText),
    durationMs: isNumber,
  },
  error: { code: isText, message: isText },
};

function decodeControl(text: string): ServerMessage | undefined {
  const value = parse(text);
  if (typeof value !== "object" || value === null) throw badAnswer("a control message that is no object");
  const fields = value as Readonly<Record<string, unknown>>;
  const shape = shapeOf(fields.type);
  if (shape === undefined) return undefined;
  for (const [key, check] of Object.entries(shape)) {
    if (!check(fields[key])) throw badAnswer(`a message ${fields.type} with a bad ${key}`);
  }
  return value as ServerMessage;
}

function shapeOf(type: unknown): Shape | undefined {
  return typeof type === "string" && Object.hasOwn(shapes, type) ? shapes[type as keyof typeof shapes] : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badAnswer("a control message that is not JSON");
  }
}

function badAnswer(what: string): WireError {
  return new WireError(4400, `the server sent ${what}`);
}
