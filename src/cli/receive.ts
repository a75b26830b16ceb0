import { acknowledging } from "../client/acknowledging.ts";
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

/** Writes output where it belongs, acknowledges what is written, and tells of a connection that is not back at once. */
export function createReceiver({ stdout, stderr, tell, attached }: ReceiveOptions, connection: () => Connection): Receiver {
  let isAcknowledged = false;
  let isLossTold = false;
  const handlers: ConnectionHandlers = {
    attached({ session, ackWindow }) {
      isAcknowledged = ackWindow > 0;
      attached?.(session);
      if (!isLossTold) return;
      isLossTold = false;
      return tell("connected again");
    },
    output: ({ stream, bytes }) => (stream === "stdout" ? stdout : stderr).write(bytes),
    gap: (from, to) => tell(`output bytes ${from} to ${to} are lost`),
    lost({ attempt, reason, closeCode }) {
      if (attempt !== 1) return;
      isLossTold = true;
      void tell(`the connection is lost (${reason || `close code ${closeCode}`}); trying again`);
    },
  };
  return { handlers: acknowledging(handlers, (bytes) => connection().ack(bytes)), isAcknowledged: () => isAcknowledged };
}
