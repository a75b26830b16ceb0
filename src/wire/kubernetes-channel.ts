/** `v4.channel.k8s.io` and `v5.channel.k8s.io`, the server's side: every message is one channel byte and a payload. */
import { type Allocate, channelFrame } from "./channel-frame.ts";
import { type ClientMessage, type CodecOptions, type Frame, type ServerCodec, type ServerMessage, WireError } from "./codec.ts";
import { createResizeReader } from "./kubernetes-resize.ts";
import { failureStatus, outcomeStatus } from "./kubernetes-status.ts";

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** From version 5 on a client half-closes a channel by `[255, channel]`. */
const closeChannel = 255;
const nothing: readonly never[] = [];
const utf8 = new TextEncoder();

/** The codec of one connection: it remembers a size that is cut in two, the end of stdin and that the Status was sent. */
export function createKubernetesCodec(version: 4 | 5, options: CodecOptions): ServerCodec {
  const reader = createReader(version, options);
  let isOver = false;
  const status = (text: string): readonly Frame[] => {
    isOver = true;
    return [channelFrame(channels.error, utf8.encode(text))];
  };
  return {
    open: () => [Uint8Array.of(lowestWritable(options))],
    decode: (data) => reader(data),
    // The Status is one message behind all output, whatever else is said after it.
    encode: (message, allocate) => (isOver ? nothing : encode(message, options, status, allocate)),
  };
}

/** Clients wait for a first message on a channel that they read: they take it as the sign that the command is served. */
function lowestWritable(options: CodecOptions): number {
  if (options.stdout) return channels.stdout;
  return options.stderr && !options.tty ? channels.stderr : channels.error;
}

/** The protocol says no other thing than output and the end; an empty message would make kubectl give up. */
function encode(
  message: ServerMessage,
  options: CodecOptions,
  status: (text: string) => readonly Frame[],
  allocate?: Allocate,
): readonly Frame[] {
  switch (message.type) {
    case "output": {
      const isWanted = message.stream === "stdout" ? options.stdout : options.stderr && !options.tty;
      return isWanted && message.bytes.byteLength > 0 ? [channelFrame(channels[message.stream], message.bytes, allocate)] : nothing;
    }
    case "gap":
      // There is no word for lost output, and to go on as if nothing were missing would be a lie.
      return status(failureStatus(`output bytes ${message.from} to ${message.to} are no longer kept`));
    case "exit":
      return status(outcomeStatus(message));
    case "error":
      return status(failureStatus(message.message));
    default:
      return nothing;
  }
}

/** The opcode is not looked at, because the Python client sends text as text frames. */
function createReader(version: 4 | 5, options: CodecOptions): (data: Uint8Array) => readonly ClientMessage[] {
  const resize = createResizeReader();
  let isStdinOpen = options.stdin;
  return (data) => {
    const payload = data.subarray(1);
    switch (data[0]) {
      case channels.stdin:
        return isStdinOpen && payload.byteLength > 0 ? [{ type: "stdin", bytes: payload }] : nothing;
      case channels.resize: {
        const size = options.tty ? resize.push(payload) : undefined;
        return size === undefined ? nothing : [{ type: "resize", ...size }];
      }
      case closeChannel: {
        if (version < 5 || closedChannel(payload) !== channels.stdin || !isStdinOpen) return nothing;
        isStdinOpen = false;
        return [{ type: "eof" }];
      }
      default:
        return nothing;
    }
  };
}

function closedChannel(payload: Uint8Array): number {
  const [channel] = payload;
  if (channel === undefined || payload.byteLength !== 1) throw new WireError(1002, "a close message must have two bytes");
  if (channel > channels.resize) throw new WireError(1002, `there is no channel ${channel} to close`);
  return channel;
}
