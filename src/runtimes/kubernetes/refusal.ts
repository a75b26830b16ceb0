import type { IncomingMessage } from "node:http";
import { ExecgateError } from "../../errors.ts";

/** What is read of a refusal. */
const refusalBytesMax = 16 * 1024;
/** What of it is said on. */
const sentenceLengthMax = 300;

/**
 * What an answer of the API server other than the wanted one means. What it refuses the gateway is no refusal of the
 * gateway's own caller: 401 and 403 are `RUNTIME_UNAVAILABLE`, with the server's words.
 */
export function refusalOf(status: number, body: string, headers: IncomingMessage["headers"] = {}): ExecgateError {
  const said = `${status}${sentenceOf(body)}`;
  if (status === 404) return new ExecgateError("TARGET_NOT_FOUND", `The API server does not know it: ${said}.`);
  if (status === 429) {
    const retryAfterS = Number(headers["retry-after"]) || 1;
    return new ExecgateError("OVERLOADED", `The API server is at its limit: ${said}.`, { retryAfterS });
  }
  if (status === 401) return unavailable(`The API server does not take the gateway's credentials: ${said}.`);
  if (status === 403) return unavailable(`The API server does not let the gateway do this, which its role must allow: ${said}.`);
  if (status >= 300 && status < 400) return unavailable(`The API server sent the gateway elsewhere, which it does not follow: ${status}.`);
  return unavailable(`The API server did not do it: ${said}.`);
}

/** A connection that could not be made, or broke. */
export function brokenBy(cause: Error): ExecgateError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "EMFILE" || code === "ENFILE") return new ExecgateError("OVERLOADED", "The gateway has no descriptor left.", {}, { cause });
  return unavailable(`The API server is not reached: ${cause.message || code || cause.name}.`, cause);
}

/** The beginning of an answer's body, and not a byte more: what comes after is not waited for. */
export async function readBeginning(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response) {
      parts.push(part as Buffer);
      bytes += (part as Buffer).length;
      if (bytes >= refusalBytesMax) break;
    }
  } catch {
    // What has come says as much as there is to be had.
  }
  return Buffer.concat(parts).toString("utf8", 0, refusalBytesMax);
}

/** The message of a Status, or the text itself, on one line. */
function sentenceOf(body: string): string {
  const text = messageOf(body)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
    .replace(/\.$/, "");
  return text === "" ? "" : ` ${text.slice(0, sentenceLengthMax)}`;
}

function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === "string" ? message : "";
  } catch {
    return body.trimStart().startsWith("<") ? "" : body;
  }
}

function unavailable(message: string, cause?: unknown): ExecgateError {
  return new ExecgateError("RUNTIME_UNAVAILABLE", message, {}, { cause });
}
