import type { Connection } from "../client/connection.ts";
import { createEscapeFilter, type Wish } from "./escape.ts";
import type { ClientIo } from "./io.ts";

/** Keys that may wait while the connection is lost; beyond it none are read. A person types `~.` long before. */
const keysMax = 65_536;

/** Sends what is read, never reading ahead of what the server takes, and the end of it behind. */
export async function sendInput(io: ClientIo, connection: Connection): Promise<void> {
  try {
    for await (const chunk of io.stdin as AsyncIterable<Uint8Array>) {
      if (!(await connection.write(chunk))) return;
    }
  } catch {
    // Input that cannot be read any more is at its end: a stream that was let go at the end.
  }
  await connection.eof();
}

/** Sends the keys of a terminal in raw mode, which are read on while they wait, and calls `wished` for those that ask the client itself. No more are sent where that says so. */
export async function sendKeys(io: ClientIo, connection: Connection, wished: (wish: Wish) => boolean): Promise<void> {
  const escapes = createEscapeFilter();
  let waiting = 0;
  try {
    for await (const chunk of io.stdin as AsyncIterable<Uint8Array>) {
      for (let unread = chunk; unread.length > 0; ) {
        const { keys, wish, rest } = escapes.filter(unread);
        waiting += keys.length;
        const sent = connection.write(keys).then(() => {
          waiting -= keys.length;
        });
        if (wish !== undefined && wished(wish)) return;
        if (waiting > keysMax) await sent;
        unread = rest;
      }
    }
  } catch {
    // A terminal that hung up.
  }
  await connection.eof();
}
