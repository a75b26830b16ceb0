import type { Cursor, CursorOptions } from "./cursor.ts";
import type { OutputLog } from "./log.ts";
import type { EndedBy } from "./outcome.ts";
import type { Size } from "./runtime.ts";

export interface ClientOptions extends CursorOptions {
  readonly id: string;
  /** Called when another client changed the terminal's size. */
  readonly onResized?: (size: Size) => void;
}

/** Somebody who is attached to a session: a place in its output, and the right to leave. */
export interface Client {
  readonly id: string;
  readonly role: "writer" | "viewer";
  readonly cursor: Cursor;
  /** Leaves the session, for a reason that ends it when it was the last client and nobody is waited for. Idempotent. */
  leave(reason?: EndedBy): void;
}

/**
 * Who is attached to one session. Calls `onEmpty` when the last writer leaves and `onFirst` when one comes after that, so
 * that the session can count how long nobody was there. Viewers only watch: they neither keep a session nor end it.
 */
export class Clients {
  readonly #log: OutputLog;
  readonly #members = new Map<Client, ClientOptions>();
  readonly #onEmpty: (reason: EndedBy) => void;
  readonly #onFirst: () => void;

  constructor(log: OutputLog, on: { empty: (reason: EndedBy) => void; first: () => void }) {
    this.#log = log;
    this.#onEmpty = on.empty;
    this.#onFirst = on.first;
  }

  get size(): number {
    return this.#members.size;
  }

  get #writers(): number {
    return [...this.#members.values()].filter(({ role }) => role === "writer").length;
  }

  attach(options: ClientOptions): Client {
    const cursor = this.#log.open(options);
    const leave = (reason: EndedBy = "disconnect"): void => {
      if (!this.#members.delete(client)) return;
      cursor.close();
      if (options.role === "writer" && this.#writers === 0) this.#onEmpty(reason);
    };
    const client: Client = { id: options.id, role: options.role, cursor, leave };
    this.#members.set(client, options);
    if (options.role === "writer" && this.#writers === 1) this.#onFirst();
    return client;
  }

  /** Tells everybody but `origin` of a new size. */
  resized(size: Size, origin: string | undefined): void {
    for (const options of this.#members.values()) if (options.id !== origin) options.onResized?.(size);
  }
}
