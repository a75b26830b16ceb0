/** The client's side of `v5.channel.k8s.io` and `v4.channel.k8s.io`: every message is one channel byte and a payload. */
import type { Size, StreamName } from "../../exec/runtime.ts";

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** From version 5 on `[255, channel]` half-closes a channel. */
const closeChannel = 255;

/** In the order of preference. */
export const channelSubprotocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

/** Servers read messages into buffers of this size; the channel's byte comes on top. */
const payloadBytesMax = 32 * 1024;

/** What a server can say. */
export type ServerSaid =
  | { readonly type: "output"; readonly stream: StreamName; readonly bytes: Buffer }
  /** A piece of the Status, which tells how the command ended. */
  | { readonly type: "status"; readonly bytes: Buffer };

/**
 * What a message says; undefined for those that say nothing: the empty one by which a server shows that it serves, and
 * those on channels that are the client's or unknown, which a later version may have a use for.
 */
export function readMessage(data: Buffer): ServerSaid | undefined {
  if (data.length < 2) return undefined;
  const bytes = data.subarray(1);
  switch (data[0]) {
    case channels.stdout:
      return { type: "output", stream: "stdout", bytes };
    case channels.stderr:
      return { type: "output", stream: "stderr", bytes };
    case channels.error:
      return { type: "status", bytes };
    default:
      return undefined;
  }
}

/** Messages that carry `bytes` to stdin, none of them empty. */
export function* stdinMessages(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += payloadBytesMax) yield message(channels.stdin, bytes.subarray(at, at + payloadBytesMax));
}

/** The message that ends stdin, which only version 5 knows. */
export const stdinEnd: Buffer = Buffer.from([closeChannel, channels.stdin]);

/** The terminal's new size. */
export function resizeMessage({ cols, rows }: Size): Buffer {
  return message(channels.resize, Buffer.from(JSON.stringify({ Width: cols, Height: rows })));
}

function message(channel: number, payload: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(payload.length + 1);
  whole[0] = channel;
  whole.set(payload, 1);
  return whole;
}
