import type { WebSocket } from "ws";
import { type ErrorCode, type ExecgateError, errorTable, toExecgateError } from "../errors.ts";
import type { Client, ClientEvents } from "../exec/clients.ts";
import type { Clock } from "../exec/clock.ts";
import type { LogItem } from "../exec/cursor.ts";
import { stdinWindow } from "../exec/input.ts";
import type { EndedBy, Outcome } from "../exec/outcome.ts";
import type { Session } from "../exec/session.ts";
import { type ClientMessage, type ServerCodec, type ServerMessage, WireError } from "../wire/codec.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";
import { Outgoing } from "./outgoing.ts";
import { Pulse } from "./pulse.ts";
import { viewClients } from "./session-view.ts";

export interface SocketDeps {
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  /** How long a client may take nothing of what waits for it before it is closed with 4408, milliseconds. */
  readonly slowClientMs: number;
  /** With `flow=ack`, output bytes that may be under way beyond the last `ack`. */
  readonly ackWindow: number;
  /** Told when a command could not be started. */
  refused(code: ErrorCode): void;
}

export interface AttachOptions {
  /** Who the session's clients are told that it is. */
  readonly principal: string;
  /** The id of the client that comes back. */
  readonly client?: string | undefined;
  readonly role: "writer" | "viewer";
  readonly offset?: number | undefined;
  /** The client acknowledges what it has consumed. */
  readonly isAcknowledged: boolean;
  /** The protocol says by a last message how the session ended: its clients take any close code but 1000 for a lost connection. */
  readonly isEndTold: boolean;
}

/** While a client beyond its credit is not read, it is pinged this often: that is how its going away is seen. */
const pausedPingMs = 1000;

/** What the ping behind `attached` carries: its pong tells that what came before it has arrived. */
const attachedMark = Buffer.from("attached");

/** The close code that tells why a session was ended from outside; 1000 for every other end. */
const closeCodes: Partial<Record<EndedBy, number>> = { shutdown: 1001, idle: 4410, slow: 4408, policy: 4403 };

/**
 * Joins a socket to a session through a codec: output is pulled from the client's cursor as fast as the socket takes it,
 * input waits for the command within the client's credit. Lives as long as the socket.
 */
export class ExecSocket implements Beating {
  readonly #ws: WebSocket;
  readonly #codec: ServerCodec;
  readonly #session: Session;
  readonly #deps: SocketDeps;
  readonly #options: AttachOptions;
  readonly #client: Client;
  readonly #outgoing: Outgoing;
  readonly #pulse: Pulse;
  #isNewsDue = false;
  /** False while a session that is kept was begun for a client which is not known to have got `attached`: nobody could come back to it. */
  #isKnown = true;
  #isAttached = false;
  #cancelPausedPing: (() => void) | undefined;

  constructor(ws: WebSocket, codec: ServerCodec, session: Session, options: AttachOptions, deps: SocketDeps) {
    this.#ws = ws;
    this.#codec = codec;
    this.#session = session;
    this.#deps = deps;
    this.#options = options;
    this.#pulse = new Pulse(!options.isEndTold);
    const ackWindow = options.isAcknowledged ? deps.ackWindow : undefined;
    this.#outgoing = new Outgoing(ws, { clock: deps.clock, stalledMs: deps.slowClientMs, onStalled: () => this.#leaveSlow() });
    const events: ClientEvents = {
      accepted: (bytes) => this.#tell({ type: "accepted", bytes }),
      credit: (isWithin) => this.#setCredit(isWithin),
      failed: (cause) => this.#fail(toExecgateError(cause)),
      replaced: () => this.#leaveReplaced(),
      membersChanged: () => this.#announceNews(),
    };
    this.#client = session.attach({ ...options, ackWindow, events });
    this.#listen();
    this.#outgoing.send(codec.open());
  }

  /** Carries the session to its end. `start` is what makes a new session run; without it the session runs already. */
  async run(start?: () => Promise<void>): Promise<void> {
    this.#isKnown = start === undefined || this.#session.request.keepMs === 0;
    try {
      await start?.();
    } catch (cause) {
      this.#fail(toExecgateError(cause));
      return;
    }
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#tell(this.#attached());
    this.#isAttached = true;
    if (!this.#isKnown) this.#ws.ping(attachedMark);
    this.#client.input.open();
    await this.#pump();
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const outcome = await this.#session.finished;
    if (outcome !== undefined) this.#exit(outcome);
  }

  /** Tells the client why it may not go on, and closes with the code of the reason; it is waited for no longer than a moment. */
  end(reason: ExecgateError): void {
    this.#fail(reason);
    this.#client.leave("policy");
    this.#goDown();
  }

  beat(): void {
    const isSending = this.#outgoing.underWay > 0;
    const { input } = this.#client;
    if (!this.#pulse.beat({ isSending, isUnread: this.#ws.isPaused, takenBytes: input.takenBytes })) {
      this.#ws.terminate();
      return;
    }
    this.#ws.ping();
    // To be heard by a page too, which is told of no ping. Where output is under way that is heard, and nothing is to pile up behind it.
    if (this.#isAttached && !isSending) input.report();
  }

  #listen(): void {
    this.#ws.on("message", (data: Buffer, isBinary) => this.#receive(data, isBinary));
    this.#ws.on("pong", (mark) => {
      this.#pulse.heard();
      if (mark.equals(attachedMark)) this.#isKnown = true;
    });
    // A fault of the protocol is answered by ws with its close code; whoever breaks it may not answer that either.
    this.#ws.on("error", () => this.#goDown());
    this.#ws.once("close", (code) => {
      this.#deps.heartbeat.remove(this);
      this.#cancelPausedPing?.();
      // Whoever takes leave by 1000 does not come back; every other end is one of the connection alone.
      if (!this.#isKnown) this.#session.stop("disconnect");
      if (code === 1000) this.#client.leave();
      else this.#client.lose();
    });
    this.#deps.heartbeat.add(this);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    try {
      for (const message of this.#codec.decode(data, isBinary)) this.#apply(message);
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      this.#tell({
        type: "error",
        code: cause.closeCode === errorTable.FORBIDDEN.close ? "FORBIDDEN" : "BAD_REQUEST",
        message: cause.message,
      });
      this.#hangUp(cause.closeCode);
    }
  }

  #apply(message: ClientMessage): void {
    if (message.type === "ack") this.#acknowledge(message.bytes);
    else if (message.type === "detach") this.#detach();
    else this.#input(message);
  }

  #detach(): void {
    this.#client.leave();
    this.#hangUp(4409, "detached");
  }

  #acknowledge(bytes: number): void {
    if (!this.#client.cursor.ack(bytes)) throw new WireError(4400, `ack names ${bytes} bytes, which is more than was sent.`);
  }

  #input(message: Exclude<ClientMessage, { type: "ack" | "detach" }>): void {
    if (this.#client.role === "viewer")
      throw new WireError(errorTable.FORBIDDEN.close, `A viewer only watches; it cannot send ${message.type}.`);
    if (message.type === "stdin") this.#client.input.stdin(message.bytes);
    else if (message.type === "eof") this.#client.input.eof();
    else if (message.type === "resize") this.#client.input.resize({ cols: message.cols, rows: message.rows });
    else void this.#session.signal(message.signal).catch(() => undefined);
  }

  /** Sends output, and news between its pieces, until the log ends or the client has left. */
  async #pump(): Promise<void> {
    const { cursor } = this.#client;
    const tell = (item: LogItem): void => this.#tellItem(item);
    do {
      this.#tellNews();
      while (cursor.lend(tell)) {
        const room = this.#outgoing.room();
        if (room !== undefined) await room;
        this.#tellNews();
      }
    } while (await cursor.more());
  }

  #tellItem(item: LogItem): void {
    if (item.type === "data") this.#tell({ type: "output", stream: item.stream, bytes: item.bytes });
    else if (item.type === "gap") this.#tell(item);
    // Whoever changed the size knows it.
    else if (item.by !== this.#client.id) this.#tell({ type: "resized", ...item.size });
  }

  /** Who is attached is told when there is room for it, and of many changes the last state: it waits for nobody, and nobody who does not read makes it pile up. */
  #announceNews(): void {
    this.#isNewsDue = true;
    this.#client?.cursor.wake();
  }

  #tellNews(): void {
    if (!this.#isNewsDue) return;
    this.#isNewsDue = false;
    this.#tell({ type: "clients", clients: viewClients(this.#session) });
  }

  #attached(): ServerMessage {
    const { id, request, log } = this.#session;
    // The size for which the first byte that follows was written; later ones come with the output.
    const size = log.sizes.at(this.#client.cursor.offset);
    return {
      type: "attached",
      session: id,
      client: this.#client.id,
      target: request.target.id,
      tty: request.spec.tty !== undefined,
      role: this.#client.role,
      offset: this.#client.cursor.offset,
      stdinOffset: this.#client.stdinOffset,
      cols: size?.cols ?? 0,
      rows: size?.rows ?? 0,
      ackWindow: this.#options.isAcknowledged ? this.#deps.ackWindow : 0,
      stdinWindow,
      heartbeatMs: this.#deps.heartbeat.beatMs,
    };
  }

  #tell(message: ServerMessage): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#outgoing.send(this.#codec.encode(message, this.#outgoing.allocate));
  }

  #exit(outcome: Outcome): void {
    this.#tell({ type: "exit", ...outcome });
    this.#close((outcome.endedBy === null ? undefined : closeCodes[outcome.endedBy]) ?? 1000);
  }

  #fail(error: ExecgateError): void {
    this.#deps.refused(error.code);
    this.#tell({ type: "error", code: error.code, message: error.message });
    this.#close(errorTable[error.code].close);
  }

  #close(code: number): void {
    this.#hangUp(this.#options.isEndTold ? 1000 : code);
  }

  /** The peer's answer to a close may stand behind stdin for which there was no credit: that is read on to it, and let go. */
  #hangUp(code: number, reason?: string): void {
    this.#ws.close(code, reason);
    this.#cancelPausedPing?.();
    this.#ws.resume();
  }

  #leaveSlow(): void {
    this.#client.lose("slow");
    this.#hangUp(4408, "too slow");
    this.#goDown();
  }

  #leaveReplaced(): void {
    this.#hangUp(4409, "replaced");
    this.#goDown();
  }

  /** The close frame waits behind what the client does not read, so the connection goes down with it. */
  #goDown(): void {
    this.#deps.clock.after(1000, () => this.#ws.terminate());
  }

  #setCredit(isWithin: boolean): void {
    if (isWithin === !this.#ws.isPaused || this.#ws.readyState !== this.#ws.OPEN) return;
    if (isWithin) {
      this.#cancelPausedPing?.();
      this.#ws.resume();
    } else {
      this.#ws.pause();
      this.#pingWhilePaused();
    }
  }

  #pingWhilePaused(): void {
    this.#cancelPausedPing = this.#deps.clock.after(pausedPingMs, () => {
      this.#ws.ping();
      this.#pingWhilePaused();
    });
  }
}
