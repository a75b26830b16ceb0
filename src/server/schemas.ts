import { signals } from "../exec/runtime.ts";
import { type Static, Type } from "../typebox.ts";
import { reasonLengthMax } from "./reason.ts";

/** The shapes of requests: the source of their types, of their validation and of `/openapi.json`. */

const strict = { additionalProperties: false } as const;
const side = Type.Integer({ minimum: 1, maximum: 65_535 });
const clientId = Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "the client that comes back" }));
const environmentName = "^[^=\\u0000]+$";
const streamEncoding = Type.Enum(["utf8", "base64"]);

export const commandItemsMax = 1024;
export const commandBytesMax = 128 * 1024;

/** Why the caller asks, for policies that want to know. */
const reason = Type.Optional(Type.String({ minLength: 1, maxLength: reasonLengthMax, pattern: "^\\P{Cc}*$", description: "why" }));

const execFields = {
  target: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: "a target id; default host" })),
  command: Type.Array(Type.String(), { minItems: 1, maxItems: commandItemsMax, description: "argv, never given to a shell" }),
  stdinEncoding: Type.Optional(streamEncoding),
  env: Type.Optional(Type.Record(Type.String({ pattern: environmentName }), Type.String(), strict)),
  cwd: Type.Optional(Type.String({ pattern: "^/", maxLength: 4096, description: "an absolute path" })),
  user: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  tty: Type.Optional(Type.Boolean()),
  cols: Type.Optional(side),
  rows: Type.Optional(side),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 0, description: "wall time from start; 0 is none" })),
  outputBytesMax: Type.Optional(Type.Integer({ minimum: 0, maximum: 16_777_216, description: "a stream" })),
  keep: Type.Optional(Type.Enum(["head", "tail"])),
  encoding: Type.Optional(Type.Enum(["auto", "utf8", "base64"])),
  reason,
  descendants: Type.Optional(Type.Enum(["end", "leave"])),
};

/** `POST /v1/exec` */
export const execBody = Type.Object({ ...execFields, stdin: Type.Optional(Type.String()) }, strict);
export type ExecBody = Static<typeof execBody>;

/** `POST /v1/sessions`: `stdin: true` keeps it open for those who attach; no command means the login shell. */
export const sessionBody = Type.Object(
  {
    ...execFields,
    command: Type.Optional(execFields.command),
    stdin: Type.Optional(Type.Unsafe<string | boolean>({ type: ["string", "boolean"] })),
    keepMs: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  strict,
);
export type SessionBody = Static<typeof sessionBody>;

const queryFlag = Type.Optional(Type.Enum(["1", "true", "0", "false"]));
const queryCount = Type.Optional(Type.String({ pattern: "^(0|[1-9][0-9]{0,14})$" }));
const querySide = Type.Optional(
  Type.String({ pattern: "^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$" }),
);
const queryList = Type.Optional(
  Type.Unsafe<string | string[]>({ type: ["string", "array"], items: { type: "string" }, maxItems: commandItemsMax }),
);
const queryText = Type.Optional(Type.String({ minLength: 1, maxLength: 4096 }));

/** WebSocket `GET /v1/exec` */
export const execQuery = Type.Object(
  {
    target: queryText,
    command: queryList,
    tty: queryFlag,
    stdin: queryFlag,
    cols: querySide,
    rows: querySide,
    env: queryList,
    cwd: Type.Optional(Type.String({ pattern: "^/", maxLength: 4096 })),
    user: queryText,
    reason,
    timeoutMs: queryCount,
    descendants: Type.Optional(Type.Enum(["end", "leave"])),
    keepMs: queryCount,
    flow: Type.Optional(Type.Enum(["ack"])),
    stdout: Type.Optional(Type.String()),
    stderr: Type.Optional(Type.String()),
    container: Type.Optional(Type.String({ maxLength: 4096, description: "one of the target's pod; an empty one is not named" })),
  },
  strict,
);
export type ExecQuery = Static<typeof execQuery>;

/** The same for the Kubernetes subprotocols, whose booleans are anything. */
export const kubernetesFlags = ["stdin", "stdout", "stderr", "tty"] as const;

export const attachQuery = Type.Object(
  {
    offset: queryCount,
    role: Type.Optional(Type.Enum(["writer", "viewer"])),
    flow: Type.Optional(Type.Enum(["ack"])),
    client: clientId,
    reason,
  },
  strict,
);

export type AttachQuery = Static<typeof attachQuery>;

const flow = Type.Optional(Type.Enum(["ack"]));
const ticketExec = Type.Object({ ...sessionBody.properties, command: Type.Optional({ ...execFields.command, minItems: 0 }), flow }, strict);
export type TicketExec = Static<typeof ticketExec>;
const ticketAttach = Type.Object(
  {
    session: Type.String(),
    role: attachQuery.properties.role,
    offset: Type.Optional(Type.Integer({ minimum: 0 })),
    flow,
    client: clientId,
    reason,
  },
  strict,
);
export type TicketAttach = Static<typeof ticketAttach>;

/** `POST /v1/tickets`: the request that the WebSocket is then to make, one of the two. */
export const ticketBody = Type.Object(
  { exec: Type.Optional(ticketExec), attach: Type.Optional(ticketAttach) },
  { ...strict, minProperties: 1, maxProperties: 1 },
);

export const sessionsQuery = Type.Object(
  {
    target: queryText,
    state: Type.Optional(Type.Enum(["starting", "running", "draining", "ended"])),
    limit: queryCount,
    continue: queryText,
  },
  strict,
);

export const outputQuery = Type.Object(
  { offset: queryCount, stream: Type.Optional(Type.Enum(["stdout", "stderr"])), waitMs: queryCount },
  strict,
);

export const targetsQuery = Type.Object(
  { id: queryText, runtime: queryText, label: queryList, limit: queryCount, continue: queryText },
  strict,
);

export const recordingsQuery = Type.Object({ target: queryText, limit: queryCount, continue: queryText }, strict);

export const probeQuery = Type.Object({ target: queryText }, strict);
export const noQuery = Type.Object({}, strict);
export const idParams = Type.Object({ id: Type.String() });
export const nameParams = Type.Object({ name: Type.String() });
export type IdParams = Static<typeof idParams>;

/** `POST /v1/sessions/{id}/shares` */
export const shareBody = Type.Object({ expiresMs: Type.Optional(Type.Integer({ minimum: 1000 })) }, strict);

export const signalBody = Type.Object({ signal: Type.Enum([...signals]) }, strict);
export const resizeBody = Type.Object({ cols: side, rows: side }, strict);
export const stdinBody = Type.Object(
  { data: Type.Optional(Type.String()), encoding: Type.Optional(streamEncoding), eof: Type.Optional(Type.Boolean()) },
  strict,
);
