import { parseFlags } from "./arguments.ts";
import { ClientError } from "./client-error.ts";
import { conclude, converse } from "./converse.ts";
import { dial } from "./dial.ts";
import { findEndpoint } from "./endpoint.ts";
import { askFor } from "./http.ts";
import type { ClientIo } from "./io.ts";
import { createSink } from "./output.ts";
import { localSize } from "./terminal.ts";

/** What is read of a session. */
interface SessionFacts {
  readonly tty: boolean;
  readonly keepMs: number;
  readonly state: string;
}

/**
 * `execgate attach ID`: joins a session where it is, with what is kept of its output; `--view` only watches.
 * @throws ClientError when there is no such session
 */
export async function attach(args: readonly string[], io: ClientIo): Promise<number> {
  const { values, positionals } = parseFlags(args, { view: { type: "boolean" }, "no-stdin": { type: "boolean" } });
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw new ClientError("say execgate attach ID; execgate sessions lists them");
  const endpoint = findEndpoint(values, io.env);
  const path = `/v1/sessions/${encodeURIComponent(id)}`;
  const { tty, keepMs, state } = (await askFor(endpoint, "GET", path)) as SessionFacts;
  const role = values.view === true ? "viewer" : "writer";
  const stdin = role === "writer" && values["no-stdin"] !== true && state !== "ended";
  const stderr = createSink(io.stderr);
  const dialled = dial(endpoint, `${path}/attach`, new URLSearchParams({ role, flow: "ack" }));
  const conversation = { endpoint, dialled, tty, stdin, keepMs, role } as const;
  const size = tty && role === "writer" ? localSize(io) : undefined;
  return await conclude(await converse(io, stderr, { ...conversation, size }), stderr);
}
