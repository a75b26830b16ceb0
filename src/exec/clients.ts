import { ExecgateError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { Cursor, CursorOptions } from "./cursor.ts";
import { createId } from "./id.ts";
import { ClientInput, type InputEvents, type InputSink } from "./input.ts";
import type { OutputLog } from "./log.ts";
import type { EndedBy } from "./outcome.ts";

export interface ClientOptions extends CursorOptions {
  /** Whose client it is: nobody else takes its place. */
  readonly principal: string;
  /** The id of the client that comes back; a new client when undefined. */
  readonly client?: string | undefined;
  readonly events?: ClientEvents;
}

export interface ClientEvents extends InputEvents {
  /** Another connection has taken this client's place. */
  replaced?(): void;
  /** Somebody else came or went. */
  membersChanged?(): void;
}

/** Somebody who is attached to a session by a connection: a place in its output, a count of stdin, and the right to leave. */
export interface Client {
  readonly id: string;
  readonly role: "writer" | "viewer";
  readonly cursor: Cursor;
  readonly input: ClientInput;
  /** Bytes of its stdin that were taken before this connection. */
  readonly stdinOffset: number;
  /** Leaves for good, for a reason that ends the session when nobody else is there and it is not kept. Idempotent, as is `lose`. */
  leave(reason?: EndedBy): void;
  /** The connection is lost: a writer that acknowledges keeps its place in the output, so that it can go on from there. */
  lose(reason?: EndedBy): void;
}

/** A client as the others see it. */
export interface Member {
  readonly id: string;
  readonly principal: string;
  readonly role: "writer" | "viewer";
  /** False while its connection is lost and its place in the output is kept. */
  readonly isConnected: boolean;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface ClientsDeps {
  readonly log: OutputLog;
  readonly clock: Clock;
  /** What the clients' input goes into. */
  readonly input: InputSink;
  /** How long a lost client, and a session without writers, is waited for, milliseconds. */
  readonly keepMs: number;
  readonly clientsMax: number;
  /** No writer is there any more, and none has come back for `keepMs`. */
  onEmpty(reason: EndedBy): void;
}

interface Place extends Omit<Member, "isConnected"> {
  readonly input: ClientInput;
  cursor: Cursor;
  /** Undefined while nobody is there. */
  connection: Client | undefined;
  events: ClientEvents;
  isAcknowledged: boolean;
  /** Its place in the output is kept for it. */
  isAwaited: boolean;
  cancelWait: () => void;
}

const nothing = (): void => undefined;

/**
 * Who is attached to one session. Each client has a place, which outlives its connections: a writer that comes back goes on
 * where it was. Viewers only watch: they neither keep a session nor end it, and need no place to come back to.
 */
export class Clients {
  readonly #deps: ClientsDeps;
  readonly #places = new Map<string, Place>();
  #cancelEmpty = nothing;
  #isEnded = false;

  constructor(deps: ClientsDeps) {
    this.#deps = deps;
  }

  get members(): readonly Member[] {
    return [...this.#places.values()]
      .filter(({ connection, isAwaited }) => connection !== undefined || isAwaited)
      .map(({ id, principal, role, since, connection }) => ({ id, principal, role, since, isConnected: connection !== undefined }));
  }

  /**
   * Whether a client of this principal could attach now: a new one, or the one of this id that comes back.
   * @throws CLIENT_NOT_FOUND for one that is not the principal's own, or no writer; TOO_MANY_CLIENTS
   */
  check(client: string | undefined, principal: string): void {
    if (client === undefined) this.#freePlace();
    else this.#find(client, principal);
  }

  /** @throws CLIENT_NOT_FOUND for a client to come back that is not there; TOO_MANY_CLIENTS */
  attach(options: ClientOptions): Client {
    const { events = {}, ackWindow } = options;
    const before = options.client === undefined ? undefined : this.#find(options.client, options.principal);
    if (before === undefined) this.#makeRoom();
    // Opened before the old one is closed, which holds what the new one is to read.
    const cursor = this.#deps.log.open(options);
    if (before !== undefined) this.#vacate(before);
    const place = before ?? this.#createPlace(options, cursor);
    place.cursor = cursor;
    place.events = events;
    place.isAcknowledged = ackWindow !== undefined;
    const client: Client = {
      id: place.id,
      role: place.role,
      cursor,
      input: place.input,
      stdinOffset: place.input.connect(events),
      leave: (reason = "disconnect") => this.#depart(place, client, false, reason),
      lose: (reason = "disconnect") => this.#depart(place, client, true, reason),
    };
    place.connection = client;
    if (place.role === "writer") this.#cancelEmpty();
    this.#tellOthers(place);
    if (this.#places.size > 1) events.membersChanged?.();
    return client;
  }

  /** The session is over: nobody is waited for any more, and nobody's leaving changes anything. */
  end(): void {
    this.#isEnded = true;
    this.#cancelEmpty();
    for (const place of this.#places.values()) place.cancelWait();
  }

  get #writers(): number {
    return [...this.#places.values()].filter(({ role, connection }) => role === "writer" && connection !== undefined).length;
  }

  #find(id: string, principal: string): Place {
    const place = this.#places.get(id);
    if (place?.principal === principal && place.role === "writer") return place;
    throw new ExecgateError("CLIENT_NOT_FOUND", "The session has no such client of yours, or let go of it; attach without client.");
  }

  /** A place that nobody is in or is awaited at, the oldest first, when all are taken. @throws TOO_MANY_CLIENTS when there is none */
  #freePlace(): Place | undefined {
    const { clientsMax } = this.#deps;
    if (this.#places.size < clientsMax) return undefined;
    const free = [...this.#places.values()].find(({ connection, isAwaited }) => connection === undefined && !isAwaited);
    if (free !== undefined) return free;
    const message = `The session has ${clientsMax} clients already; try again when one has left.`;
    throw new ExecgateError("TOO_MANY_CLIENTS", message, { retryAfterS: 5 });
  }

  /** Lets go of what is left of a client that went long ago. */
  #makeRoom(): void {
    const free = this.#freePlace();
    if (free === undefined) return;
    free.input.close();
    this.#places.delete(free.id);
  }

  #createPlace({ principal, role }: ClientOptions, cursor: Cursor): Place {
    const since = this.#deps.clock.now();
    const id = createId(since);
    const input = new ClientInput(this.#deps.input, id, this.#deps.clock);
    const open = { connection: undefined, events: {}, isAcknowledged: false, isAwaited: false, cancelWait: nothing };
    const place: Place = { id, principal, role, since, input, cursor, ...open };
    this.#places.set(id, place);
    return place;
  }

  /** Ends what was at a place, before its client comes to it again. */
  #vacate(place: Place): void {
    const { connection, events } = place;
    place.cancelWait();
    place.isAwaited = false;
    place.connection = undefined;
    place.cursor.close();
    if (connection !== undefined) events.replaced?.();
  }

  #depart(place: Place, client: Client, isLost: boolean, reason: EndedBy): void {
    if (place.connection !== client) return;
    const { keepMs, clock } = this.#deps;
    place.connection = undefined;
    place.events = {};
    place.input.disconnect();
    if (isLost && place.isAcknowledged && place.role === "writer" && keepMs > 0 && !this.#isEnded) this.#awaitBack(place);
    else place.cursor.close();
    if (place.role === "viewer") this.#places.delete(place.id);
    this.#tellOthers(place);
    if (place.role === "viewer" || this.#writers > 0 || this.#isEnded) return;
    if (keepMs === 0) this.#deps.onEmpty(reason);
    else this.#cancelEmpty = clock.after(keepMs, () => this.#deps.onEmpty(reason));
  }

  /** Holds the command back for a lost client, until it is back or the time is over. Its count of stdin stays in any case. */
  #awaitBack(place: Place): void {
    place.isAwaited = true;
    place.cursor.leave();
    place.cancelWait = this.#deps.clock.after(this.#deps.keepMs, () => {
      place.isAwaited = false;
      place.cursor.close();
      this.#tellOthers(place);
    });
  }

  #tellOthers(changed: Place): void {
    for (const place of this.#places.values()) if (place !== changed) place.events.membersChanged?.();
  }
}
