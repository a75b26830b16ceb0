import { acknowledging } from "../client/acknowledging.ts";
import { type Connection, type ConnectionHandlers, connect } from "../client/connection.ts";
import { ClientError } from "./client-error.ts";
import { dial, type NodeDialled } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import { ask } from "./http.ts";
import { visibleLines } from "./table.ts";

/** How long the network may be gone without the command being lost. */
const keepMs = 60_000;
/** How long the end of a command that is given up may take to be answered. */
const leaveMs = 5000;
/** What is kept of the command's complaints. */
const complaintBytesMax = 4096;

export interface RemoteCommand {
  readonly target: string;
  readonly command: readonly string[];
  /** Written to its stdin, which is then closed; without it stdin is empty. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Gives it up: it is ended, and that it did not come to its end is thrown. */
  readonly interrupted: AbortSignal;
  /** Takes its stdout; a promise holds the command back. */
  stdout?(bytes: Uint8Array): void | Promise<void>;
}

/** How a command ended that was run for the client itself. */
export interface RemoteEnd {
  readonly status: number;
  /** The end of its stderr, as a terminal may show it. */
  readonly complaint: string;
}

/**
 * Runs a command on a target with streams of this program at both ends, over as many connections as it takes.
 * @throws ClientError when it could not be run to its end
 */
export async function runRemote(endpoint: Endpoint, { target, command, stdin, stdout, interrupted }: RemoteCommand): Promise<RemoteEnd> {
  const query = new URLSearchParams({ target, tty: "0", stdin: stdin === undefined ? "0" : "1", flow: "ack", keepMs: String(keepMs) });
  for (const argument of command) query.append("command", argument);
  let dialled: NodeDialled = dial(endpoint, "/v1/exec", query);
  let complaint = Buffer.alloc(0);
  let session: string | undefined;
  const handlers: ConnectionHandlers = {
    attached({ session: id }) {
      session = id;
    },
    output({ stream, bytes }) {
      if (stream === "stdout") return stdout?.(bytes);
      complaint = Buffer.concat([complaint, bytes]).subarray(-complaintBytesMax);
    },
  };
  const connection: Connection = connect(
    dialled,
    acknowledging(handlers, (bytes) => connection.ack(bytes)),
    {
      resume: {
        withinMs: keepMs,
        dial: async ({ session, client, offset }) => {
          dialled.socket.terminate();
          const place = new URLSearchParams({ client, offset: String(offset), flow: "ack" });
          dialled = dial(endpoint, `/v1/sessions/${session}/attach`, place);
          return dialled;
        },
      },
    },
  );
  const giveUp = (): void => connection.close();
  interrupted.addEventListener("abort", giveUp);
  if (interrupted.aborted) giveUp();
  try {
    const [end] = await Promise.all([connection.ended, stdin && feed(stdin, connection)]);
    if (end.kind === "exit" && end.exit.outcome === "exited") {
      return { status: end.exit.exitCode ?? 255, complaint: visibleLines(complaint.toString("utf8").trim()) };
    }
    if (end.kind === "error") throw new ClientError(`${end.code}: ${end.message}`);
    const refusal = dialled.refusal();
    if (refusal !== undefined) throw new ClientError(refusal.code === "" ? refusal.message : `${refusal.code}: ${refusal.message}`);
    throw new ClientError(end.kind === "exit" ? `${command[0]} was ended: ${end.exit.outcome}` : "the connection was lost");
  } catch (cause) {
    // The command is not to wait for somebody who does not come back.
    if (session !== undefined) await ask(endpoint, "DELETE", `/v1/sessions/${session}`, leaveMs).catch(() => undefined);
    throw cause;
  } finally {
    interrupted.removeEventListener("abort", giveUp);
    connection.close();
    dialled.socket.terminate();
  }
}

async function feed(source: AsyncIterable<Uint8Array>, connection: Connection): Promise<void> {
  for await (const bytes of source) if (!(await connection.write(bytes))) return;
  await connection.eof();
}
