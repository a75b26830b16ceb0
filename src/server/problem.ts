import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type ErrorCode, type ErrorDetails, ExecgateError, errorTable, toExecgateError } from "../errors.ts";
import { isKubernetesPath, statusOf } from "./kubernetes/status.ts";

/** A refusal as RFC 9457 has it. */
export interface Problem extends ErrorDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

export function problemOf(error: ExecgateError): Problem {
  const { status, title } = errorTable[error.code];
  const { retryAfterS: _, ...details } = error.details;
  return { type: "about:blank", title, status, code: error.code, detail: error.message, ...details };
}

/** Fastify's own refusals in our words. */
const fastifyCodes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["UNSUPPORTED_MEDIA_TYPE", "Send the body as content-type: application/json."],
  FST_ERR_CTP_EMPTY_TYPE: ["UNSUPPORTED_MEDIA_TYPE", "Send the body as content-type: application/json."],
  FST_ERR_CTP_BODY_TOO_LARGE: ["BODY_TOO_LARGE", "The body is larger than limits.bodyBytesMax; send less, or stdin over a WebSocket."],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["BAD_REQUEST", "The body is empty; send a JSON object."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["BAD_REQUEST", "The body is not as long as content-length says."],
  FST_ERR_MAX_PARAM_LENGTH: ["NOT_FOUND", "There is nothing by a name of this length."],
  FST_ERR_BAD_URL: ["BAD_REQUEST", "The path is not well formed."],
};

/** Whatever was thrown on the way of a request, as one of our errors. */
export function refusalOf(cause: unknown): ExecgateError {
  if (cause instanceof ExecgateError) return cause;
  const { code, statusCode, message } = cause as Partial<FastifyError>;
  const known = code === undefined ? undefined : fastifyCodes[code];
  if (known !== undefined) return new ExecgateError(known[0], known[1]);
  if (statusCode === 400) return new ExecgateError("BAD_REQUEST", message ?? "The request is not well formed.");
  return toExecgateError(cause);
}

/** Answers with the refusal, in the form of the API that was asked; the cause of an INTERNAL one goes to the log and nowhere else. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, cause: unknown): FastifyReply {
  const error = refusalOf(cause);
  if (error.code === "INTERNAL") request.log.error({ err: error.cause ?? error }, "request failed");
  const { status } = errorTable[error.code];
  if (error.code === "UNAUTHENTICATED") reply.header("www-authenticate", 'Bearer realm="execgate"');
  if (error.details.retryAfterS !== undefined) reply.header("retry-after", error.details.retryAfterS);
  const [type, body] = isKubernetesPath(request.url)
    ? (["application/json", statusOf(error)] as const)
    : (["application/problem+json", problemOf(error)] as const);
  return reply.code(status).type(type).send(JSON.stringify(body));
}
