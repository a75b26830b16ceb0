import type { Authorized } from "../access/authorizer.ts";
import type { AttachQuery } from "./schemas.ts";

/** The very request that a ticket is for, decided on when it was given out: the WebSocket that presents it can say nothing more. */
export type TicketPurpose = ExecPurpose | AttachPurpose;

interface ExecPurpose {
  readonly kind: "exec";
  /** The path of the WebSocket. */
  readonly path: string;
  readonly wanted: Authorized;
  /** Written to the command first, and then its stdin is closed. */
  readonly stdin: Buffer | undefined;
  readonly flow: "ack" | undefined;
}

interface AttachPurpose {
  readonly kind: "attach";
  readonly path: string;
  /** What would else stand in the query. */
  readonly query: AttachQuery;
}
