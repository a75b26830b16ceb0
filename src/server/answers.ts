import { errorTable } from "../errors.ts";
import { type TSchema, Type } from "../typebox.ts";

/**
 * The shapes of answers, for `/openapi.json` alone: nothing that is answered is filtered by them. They are open, as clients
 * are to be: a key may be added.
 */

/** What a route answers, by status; refusals have the same shape everywhere. */
export function answers(byStatus: Readonly<Record<number, TSchema>>): Record<string, TSchema> {
  return { ...byStatus, default: refusal };
}

/** An answer that is not JSON, or not only that: its schemas by content type. */
export function answerIn(description: string, byType: Readonly<Record<string, TSchema>>): TSchema {
  const content = Object.entries(byType).map(([type, schema]) => [type, { schema }]);
  return Type.Unsafe<unknown>({ description, content: Object.fromEntries(content) });
}

/** An answer without a body. */
export const noBody = (description: string): TSchema => Type.Null({ description });

const orNull = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()]);
const count = Type.Integer({ minimum: 0 });
const milliseconds = Type.Number({ minimum: 0 });
const time = Type.String({ format: "date-time" });
const text = Type.String();
const flag = Type.Boolean();
const names = Type.Record(text, text);
const page = { continue: Type.Optional(Type.String({ description: "asks for the next page" })) };

const refusal = answerIn("Refused", {
  "application/problem+json": Type.Object({
    type: text,
    title: text,
    status: Type.Integer(),
    code: Type.Enum(Object.keys(errorTable)),
    detail: text,
    field: Type.Optional(Type.String({ description: "what of the request is wrong" })),
    state: Type.Optional(Type.String({ description: "of a target that is not running" })),
    from: Type.Optional(count),
    to: Type.Optional(count),
  }),
});

const ended = {
  outcome: Type.Enum(["exited", "timeout", "killed", "lost"]),
  exitCode: orNull(count),
  signal: orNull(text),
  endedBy: orNull(Type.Enum(["client", "operator", "disconnect", "policy", "shutdown", "idle", "slow"])),
};
const left = { drained: flag, termination: orNull(Type.Enum(["verified", "bestEffort"])) };
const encoding = Type.Enum(["utf8", "base64"]);
const cut = { bytes: count, truncated: flag };
const stream = Type.Object({ data: text, encoding, ...cut });

export const resultAnswer = Type.Object(
  { id: text, target: text, ...ended, stdout: stream, stderr: stream, startedAt: time, durationMs: milliseconds, ...left },
  { description: "How the command ended, and its output" },
);

/** One line of `application/x-ndjson`. */
export const resultLine = Type.Union([
  Type.Object({ type: Type.Literal("started"), id: text, target: text, startedAt: time }),
  Type.Object({ type: Type.Enum(["stdout", "stderr"]), data: text, encoding }),
  Type.Object({
    type: Type.Literal("exit"),
    ...ended,
    ...left,
    durationMs: milliseconds,
    stdout: Type.Object(cut),
    stderr: Type.Object(cut),
  }),
]);

const client = Type.Object({ id: text, principal: text, role: Type.Enum(["writer", "viewer"]), connected: flag, since: time });

export const sessionAnswer = Type.Object(
  {
    id: text,
    state: Type.Enum(["starting", "running", "draining", "ended"]),
    ...ended,
    outcome: orNull(ended.outcome),
    principal: text,
    target: text,
    command: Type.Array(text),
    mode: Type.Enum(["sync", "interactive"]),
    tty: flag,
    cols: orNull(count),
    rows: orNull(count),
    clients: Type.Array(client),
    offset: count,
    oldestOffset: count,
    keepMs: count,
    record: Type.Enum(["off", "bestEffort", "strict"]),
    createdAt: time,
    startedAt: orNull(time),
    durationMs: orNull(milliseconds),
  },
  { description: "The session" },
);

export const sessionsAnswer = Type.Object(
  { sessions: Type.Array(sessionAnswer), ...page },
  { description: "Those that the caller may see" },
);

export const outputAnswer = answerIn("The bytes; Execgate-Next-Offset says where to go on", {
  "application/octet-stream": Type.String({ contentMediaType: "application/octet-stream" }),
});

const recorded = { id: text, principal: text, target: text, command: Type.Array(text), tty: flag, cols: count, rows: count };

export const recordingsAnswer = Type.Object(
  { recordings: Type.Array(Type.Object({ ...recorded, bytes: count, live: flag, startedAt: time, durationMs: count })), ...page },
  { description: "Those that the caller may see" },
);

export const targetsAnswer = Type.Object(
  {
    targets: Type.Array(Type.Object({ id: text, runtime: text, name: text, state: text, labels: names })),
    unavailable: Type.Optional(Type.Array(text, { description: "runtimes that do not answer" })),
    ...page,
  },
  { description: "Those that the caller may see" },
);

export const ticketAnswer = Type.Object({ ticket: text, expiresAt: time }, { description: "Used once" });
export const shareAnswer = Type.Object({ id: text, url: text, expiresAt: time }, { description: "Whoever has the link may watch" });

const verdict = Type.Enum(["pass", "fail"]);
const check = Type.Object({
  target: text,
  status: verdict,
  exitCode: orNull(count),
  durationMs: milliseconds,
  checkedAt: time,
  reason: Type.Optional(text),
  failures: Type.Optional(count),
  output: Type.Optional(text),
  outputEncoding: Type.Optional(Type.Literal("base64")),
});

/** @param description what the status says */
export const checksAnswer = (description: string): TSchema =>
  answerIn(description, { "application/health+json": Type.Object({ status: verdict, checks: Type.Array(check) }) });

const probe = { name: text, public: flag, intervalMs: count, targets: Type.Array(text), status: orNull(verdict), checkedAt: orNull(time) };

export const probesAnswer = Type.Object({ probes: Type.Array(Type.Object(probe)) }, { description: "Those that the caller may see" });

export const aliveAnswer = Type.Object({ status: Type.Literal("ok") }, { description: "The process is alive" });

const health = Type.Object({ up: flag, reason: Type.Optional(text), isolation: names });

/** @param description what the status says */
export const readyAnswer = (description: string): TSchema =>
  Type.Object({ status: text, runtimes: Type.Record(text, health) }, { description });

const runtime = { name: text, kind: text, capabilities: Type.Record(text, flag), isolation: names };

export const infoAnswer = Type.Object(
  {
    name: text,
    version: text,
    principal: Type.Object({ subject: text, groups: Type.Array(text), credential: text, expiresAt: orNull(time) }),
    runtimes: Type.Array(Type.Object(runtime)),
    limits: Type.Record(text, Type.Number()),
    subprotocols: Type.Array(text),
  },
  { description: "Version, runtimes, limits, and who the caller is" },
);
