import type { Outcome } from "../exec/outcome.ts";
import type { Signal, StreamName } from "../exec/runtime.ts";
import type { Allocate } from "./channel-frame.ts";

/** What a client can say on an exec WebSocket, whatever the subprotocol. */
export type ClientMessage =
  | { readonly type: "stdin"; readonly bytes: Uint8Array }
  | { readonly type: "resize"; readonly cols: number; readonly rows: number }
  | { readonly type: "eof" }
  | { readonly type: "signal"; readonly signal: Signal }
  | { readonly type: "ack"; readonly bytes: number }
  | { readonly type: "detach" };

/** What the server can say. `v1.execgate` carries all of it; the Kubernetes channels what they have words for. */
export type ServerMessage =
  | AttachedMessage
  | { readonly type: "output"; readonly stream: StreamName; readonly bytes: Uint8Array }
  | { readonly type: "accepted"; readonly bytes: number }
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  | { readonly type: "resized"; readonly cols: number; readonly rows: number }
  | { readonly type: "clients"; readonly clients: readonly ClientView[] }
  | ExitMessage
  | { readonly type: "error"; readonly code: string; readonly message: string };

export interface AttachedMessage {
  readonly type: "attached";
  readonly session: string;
  readonly client: string;
  readonly target: string;
  readonly tty: boolean;
  readonly role: "writer" | "viewer";
  /** The number of the next output byte, stdout and stderr counted together. */
  readonly offset: number;
  /** How many bytes of this client's stdin were accepted so far. */
  readonly stdinOffset: number;
  readonly cols: number;
  readonly rows: number;
  /** Nothing more is sent once so many bytes are beyond the last `ack`, which the last piece may overdraw; 0 without `flow=ack`. */
  readonly ackWindow: number;
  /** How many stdin bytes may be sent beyond the last `accepted`. */
  readonly stdinWindow: number;
  /** How often the server is heard at least, while nothing else is to be said by `accepted`; milliseconds. A server that is older does not say. */
  readonly heartbeatMs?: number;
}

/** Somebody who is attached, as everybody in the session is told. */
export interface ClientView {
  readonly id: string;
  readonly principal: string;
  readonly role: "writer" | "viewer";
  /** False while its connection is lost and it is waited for. */
  readonly connected: boolean;
  /** RFC 3339, UTC. */
  readonly since: string;
}

export type ExitMessage = { readonly type: "exit" } & Outcome;

/** One WebSocket message: a Uint8Array goes out as a binary frame, a string as a text frame. */
export type Frame = Uint8Array | string;

/** What a codec has to know of the exec that it carries. */
export interface CodecOptions {
  readonly tty: boolean;
  /** The channels that the client asked for. */
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** The server's side of a subprotocol on one connection: pure, without a socket, with state only where the protocol has some. */
export interface ServerCodec {
  /** Frames to send as soon as the connection is open. */
  open(): readonly Frame[];
  /** @throws WireError when the client breaks the protocol. */
  decode(data: Uint8Array, isBinary: boolean): readonly ClientMessage[];
  /** The frames that say `message`; none where the subprotocol has no word for it. @param allocate where output is copied to */
  encode(message: ServerMessage, allocate?: Allocate): readonly Frame[];
}

/** A breach of the protocol and the close code that answers it. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly closeCode: number;

  constructor(closeCode: number, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}
