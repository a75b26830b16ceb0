import { conclude, converse } from "./converse.ts";
import { dial } from "./dial.ts";
import { findEndpoint } from "./endpoint.ts";
import { execQuery, parseExecOptions } from "./exec-options.ts";
import type { ClientIo } from "./io.ts";
import { createSink } from "./output.ts";
import { localSize } from "./terminal.ts";

/** `execgate exec`: runs a command and is to the caller's terminal and pipes what the command itself would be. */
export async function exec(args: readonly string[], io: ClientIo): Promise<number> {
  const options = parseExecOptions(args);
  const { tty, stdin, keepMs = 0 } = options;
  const endpoint = findEndpoint(options.endpoint, io.env);
  const stderr = createSink(io.stderr);
  const dialled = dial(endpoint, "/v1/exec", execQuery(options, localSize(io)));
  return await conclude(await converse(io, stderr, { endpoint, dialled, tty, stdin, keepMs, role: "writer" }), stderr);
}
