import type { AttachedMessage, ClientView } from "../wire/codec.ts";
import { acknowledging } from "./acknowledging.ts";
import { type Connection, type ConnectionHandlers, connect, type SignalName } from "./connection.ts";
import type { ConnectionEnd } from "./connection-end.ts";
import type { Dialled, Loss, ResumeOptions } from "./redial.ts";

/** What happens in a session, in its order. */
export type SessionEvent =
  /** The connection stands: at first, and after each loss. */
  | { readonly type: "attached"; readonly attached: AttachedMessage }
  | { readonly type: "output"; readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }
  /** These output bytes are no longer kept by the gateway. */
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  /** The terminal has another size. */
  | { readonly type: "resized"; readonly cols: number; readonly rows: number }
  /** Who is attached. */
  | { readonly type: "clients"; readonly clients: readonly ClientView[] };

/**
 * A session as it is used: an async iterable of what happens in it, at the pace at which it is iterated. What is not asked for is
 * not acknowledged, so that the command waits. A lost connection is made anew, and nothing is missing then.
 */
export interface Session extends AsyncIterable<SessionEvent> {
  /** How it ended; settles when everything before was iterated. */
  readonly ended: Promise<ConnectionEnd>;
  /** Resolves with true when all is sent, with false when the session ended first. The bytes belong to the session. */
  write(data: string | Uint8Array): Promise<boolean>;
  /** Closes stdin, behind every write. */
  eof(): Promise<boolean>;
  resize(cols: number, rows: number): void;
  signal(name: SignalName): void;
  /** Leaves it; it stays for its `keepMs`. */
  detach(): void;
  /** Ends the command with all its processes. */
  kill(): Promise<void>;
}

export interface SessionOptions {
  readonly resume: ResumeOptions;
  /** Called at once when the connection is lost, before it is dialled again. */
  readonly onLost?: ((loss: Loss) => void) | undefined;
  /** Ends the session of this id. */
  kill(id: string): Promise<void>;
}

const encoder = new TextEncoder();

/** The session that was dialled. */
export function createSession(dialled: Dialled, { resume, onLost, kill }: SessionOptions): Session {
  const events = new Handover<SessionEvent>();
  let id: string | undefined;
  const handlers = createHandlers(events, (session) => (id = session), onLost);
  const connection: Connection = connect(
    dialled,
    acknowledging(handlers, (bytes) => connection.ack(bytes)),
    { resume },
  );
  const ended = connection.ended.finally(() => events.end());
  ended.catch(() => undefined);
  const end = async (): Promise<void> => {
    if (id !== undefined) await kill(id);
    connection.close();
  };
  return {
    ended,
    write: (data) => connection.write(typeof data === "string" ? encoder.encode(data) : data),
    eof: () => connection.eof(),
    resize: (cols, rows) => connection.resize(cols, rows),
    signal: (name) => connection.signal(name),
    detach: () => connection.detach(),
    kill: end,
    async *[Symbol.asyncIterator]() {
      let isOver = false;
      try {
        for (let event = await events.take(); event !== undefined; event = await events.take()) yield event;
        isOver = true;
      } finally {
        // Whoever leaves the loop early leaves the session, as `detach` does.
        if (!isOver) connection.detach();
        events.end();
      }
    },
  };
}

/** Hands each event over: it is handled when the next one is asked for. */
function createHandlers(
  events: Handover<SessionEvent>,
  attached: (session: string) => void,
  onLost: ((loss: Loss) => void) | undefined,
): ConnectionHandlers {
  return {
    attached(message) {
      attached(message.session);
      return events.give({ type: "attached", attached: message });
    },
    output: ({ stream, bytes }) => events.give({ type: "output", stream, bytes }),
    gap: (from, to) => events.give({ type: "gap", from, to }),
    resized: (cols, rows) => events.give({ type: "resized", cols, rows }),
    clients: (clients) => events.give({ type: "clients", clients }),
    ...(onLost && { lost: onLost }),
  };
}

/** One place between two that wait for each other: who gives, until it was taken and the next is asked for; who takes, until there is something. */
class Handover<Item> {
  #item: Item | undefined;
  #isEnded = false;
  #taken: (() => void) | undefined;
  #given: (() => void) | undefined;
  #isTaking = false;

  /** Resolves when whoever took the item asks for more; at once when nobody does any more. */
  give(item: Item): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    this.#item = item;
    const taken = new Promise<void>((resolve) => {
      this.#taken = resolve;
    });
    this.#given?.();
    return taken;
  }

  /** Nothing more is given, or nothing more is wanted. */
  end(): void {
    this.#isEnded = true;
    this.#taken?.();
    this.#given?.();
  }

  async take(): Promise<Item | undefined> {
    if (this.#isTaking) this.#taken?.();
    this.#isTaking = false;
    while (this.#item === undefined && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#given = resolve;
      });
    }
    const item = this.#item;
    this.#item = undefined;
    this.#isTaking = item !== undefined;
    return item;
  }
}
