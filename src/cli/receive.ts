import type { Connection, ConnectionHandlers } from "../client/connection.ts";
import type { Sink } from "./output.ts";

export interface Receiver {
  readonly handlers: ConnectionHandlers;
  /** Whether the server waits for acknowledgements, so that no more is under way than its window. */
  isAcknowledged(): boolean;
}

export interface ReceiveOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Says something to the person, on a line of its own. */
  tell(text: string): void | Promise<void>;
  attached?(session: string): void;
}

/** Writes output where it belongs, acknowledges what is written, four times a window, and tells of a connection that is not back at once. */
export function createReceiver({ stdout, stderr, tell, attached }: ReceiveOptions, connection: () => Connection): Receiver {
  let consumed = 0;
  let acknowledged = 0;
  let step = Number.POSITIVE_INFINITY;
  let isLossTold = false;
  const consume = (bytes: number): void => {
    consumed += bytes;
    if (consumed - acknowledged < step) return;
    acknowledged = consumed;
    connection().ack(consumed);
  };
  const handlers: ConnectionHandlers = {
    attached({ session, offset, ackWindow }) {
      consumed = offset;
      acknowledged = offset;
      if (ackWindow > 0) step = ackWindow / 4;
      attached?.(session);
      if (!isLossTold) return;
      isLossTold = false;
      return tell("connected again");
    },
    output({ stream, bytes }) {
      const drained = (stream === "stdout" ? stdout : stderr).write(bytes);
      if (drained === undefined) consume(bytes.byteLength);
      return drained?.then(() => consume(bytes.byteLength));
    },
    gap(from, to) {
      consume(to - from);
      return tell(`output bytes ${from} to ${to} are lost`);
    },
    lost({ attempt, reason, closeCode }) {
      if (attempt !== 1) return;
      isLossTold = true;
      void tell(`the connection is lost (${reason || `close code ${closeCode}`}); trying again`);
    },
  };
  return { handlers, isAcknowledged: () => step < Number.POSITIVE_INFINITY };
}
