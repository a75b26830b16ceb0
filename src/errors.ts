/**
 * The one table of errors: what every refusal is called, and what it is over HTTP, over a WebSocket and to a
 * Kubernetes client. A code is part of the interface and never changes its meaning.
 */
const table = {
  BAD_REQUEST: { status: 400, close: 4400, reason: "BadRequest", title: "The request is not well formed" },
  UNAUTHENTICATED: { status: 401, close: 4401, reason: "Unauthorized", title: "Valid credentials are needed" },
  FORBIDDEN: { status: 403, close: 4403, reason: "Forbidden", title: "This is not allowed" },
  NOT_FOUND: { status: 404, close: 4404, reason: "NotFound", title: "There is nothing at this path" },
  TARGET_NOT_FOUND: { status: 404, close: 4404, reason: "NotFound", title: "There is no such target" },
  PROBE_NOT_FOUND: { status: 404, close: 4404, reason: "NotFound", title: "There is no such probe" },
  SESSION_NOT_FOUND: { status: 404, close: 4404, reason: "NotFound", title: "There is no such session" },
  CLIENT_NOT_FOUND: { status: 404, close: 4404, reason: "NotFound", title: "There is no such client" },
  METHOD_NOT_ALLOWED: { status: 405, close: 4400, reason: "MethodNotAllowed", title: "The path does not answer this method" },
  NOT_ACCEPTABLE: { status: 406, close: 4400, reason: "NotAcceptable", title: "None of the accepted types can be given" },
  TARGET_NOT_RUNNING: { status: 409, close: 4422, reason: "Conflict", title: "The target is not running" },
  TARGET_AMBIGUOUS: { status: 409, close: 4422, reason: "Conflict", title: "Several targets go by this name" },
  SESSION_ENDED: { status: 409, close: 4404, reason: "Conflict", title: "The session is over" },
  OUTPUT_GONE: { status: 410, close: 4400, reason: "Gone", title: "This part of the output is no longer kept" },
  BODY_TOO_LARGE: { status: 413, close: 1009, reason: "RequestEntityTooLarge", title: "The body is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, close: 4400, reason: "UnsupportedMediaType", title: "The body must be application/json" },
  UNKNOWN_HOST: { status: 421, close: 4403, reason: "Forbidden", title: "The gateway does not go by this name" },
  COMMAND_NOT_FOUND: { status: 422, close: 4422, reason: "Invalid", title: "The command is not there" },
  COMMAND_NOT_EXECUTABLE: { status: 422, close: 4422, reason: "Invalid", title: "The command cannot be executed" },
  CWD_NOT_FOUND: { status: 422, close: 4422, reason: "Invalid", title: "The working directory cannot be entered" },
  USER_NOT_FOUND: { status: 422, close: 4422, reason: "Invalid", title: "There is no such user" },
  IDEMPOTENCY_KEY_REUSED: { status: 422, close: 4400, reason: "Invalid", title: "The Idempotency-Key belongs to another request" },
  UPGRADE_REQUIRED: { status: 426, close: 4400, reason: "BadRequest", title: "This path speaks WebSocket only" },
  TOO_MANY_SESSIONS: { status: 429, close: 4429, reason: "TooManyRequests", title: "There are too many sessions" },
  TOO_MANY_CLIENTS: { status: 429, close: 4429, reason: "TooManyRequests", title: "The session has too many clients" },
  TOO_MANY_REQUESTS: { status: 429, close: 4429, reason: "TooManyRequests", title: "There are too many requests" },
  HEADERS_TOO_LARGE: { status: 431, close: 4400, reason: "RequestHeaderFieldsTooLarge", title: "The request's headers are too large" },
  INTERNAL: { status: 500, close: 4500, reason: "InternalError", title: "The gateway failed" },
  NOT_SUPPORTED: { status: 501, close: 4422, reason: "NotImplemented", title: "The runtime cannot do this" },
  OVERLOADED: { status: 503, close: 4429, reason: "ServiceUnavailable", title: "The gateway is at its limit" },
  DRAINING: { status: 503, close: 1001, reason: "ServiceUnavailable", title: "The gateway is shutting down" },
  RUNTIME_UNAVAILABLE: { status: 503, close: 4503, reason: "ServiceUnavailable", title: "The runtime does not answer" },
  RECORDING_UNAVAILABLE: { status: 503, close: 4503, reason: "ServiceUnavailable", title: "The session cannot be recorded" },
  AUDIT_UNAVAILABLE: { status: 503, close: 4503, reason: "ServiceUnavailable", title: "The audit trail cannot be written" },
} as const;

export type ErrorCode = keyof typeof table;

/** What a code is to each kind of client: HTTP status, WebSocket close code, Kubernetes reason, fixed title. */
export interface ErrorKind {
  readonly status: number;
  readonly close: number;
  readonly reason: string;
  readonly title: string;
}

export const errorTable: Readonly<Record<ErrorCode, ErrorKind>> = table;

/** Facts that go with an error, given to the client as further members of the problem. */
export interface ErrorDetails {
  /** The request field that is wrong, as a dotted path. */
  readonly field?: string;
  /** The target's state, with `TARGET_NOT_RUNNING`. */
  readonly state?: string;
  /** Seconds after which a repeat makes sense: becomes `Retry-After`. */
  readonly retryAfterS?: number;
  /** The first and the next byte that are still kept, with `OUTPUT_GONE`. */
  readonly from?: number;
  readonly to?: number;
}

/** A refusal with its stable code. The message says what was wrong and what to do, and is safe to show to the caller. */
export class ExecgateError extends Error {
  override readonly name = "ExecgateError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Turns whatever was thrown into an {@link ExecgateError}; what is not one of ours tells the caller nothing but `INTERNAL`. */
export function toExecgateError(cause: unknown): ExecgateError {
  if (cause instanceof ExecgateError) return cause;
  return new ExecgateError("INTERNAL", "The gateway failed; its log has the cause.", {}, { cause });
}
