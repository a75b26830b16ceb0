import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ExecgateError } from "../errors.ts";
import { problemOf } from "./problem.ts";

/** All headers of a request together, the URL with its query included, bytes. */
export const headerBytesMax = 256 * 1024;

/** How long a peer that was refused may keep its connection, milliseconds. */
export const farewellMs = 1000;

/** What the HTTP parser itself refuses never reaches a route: it is answered on the bare socket. */
export function answerClientError(cause: ExecgateError | NodeJS.ErrnoException, socket: Duplex): void {
  if (cause.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(refusalOf(cause));
  const body = JSON.stringify(problem);
  const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  // The peer may read the answer and close; one that does not is not waited for.
  const cutOff = setTimeout(() => socket.destroy(), farewellMs);
  socket.once("close", () => clearTimeout(cutOff));
}

function refusalOf(cause: ExecgateError | NodeJS.ErrnoException): ExecgateError {
  if (cause instanceof ExecgateError) return cause;
  if (cause.code === "HPE_HEADER_OVERFLOW") {
    return new ExecgateError("HEADERS_TOO_LARGE", `The headers are larger than ${headerBytesMax} bytes.`);
  }
  return new ExecgateError("BAD_REQUEST", cause.code === undefined ? cause.message : "The request is not well-formed HTTP.");
}
