import { type Connection, type ConnectionHandlers, connect } from "../client/connection.ts";
import { failedStatus } from "./client-error.ts";
import { dial, type NodeDialled } from "./dial.ts";
import { findEndpoint } from "./endpoint.ts";
import { createEscapeFilter } from "./escape.ts";
import { type ExecOptions, execQuery, parseExecOptions } from "./exec-options.ts";
import { type Ending, endingOf } from "./exit-status.ts";
import { passInterrupts } from "./interrupts.ts";
import type { ClientIo } from "./io.ts";
import { createSink, type Sink } from "./output.ts";
import { enterRawMode, localSize, watchSize } from "./terminal.ts";

/** How long the close handshake may take when the client leaves before the command is over. */
const leaveMs = 1000;
/** 128 + SIGPIPE: whoever read the output has gone, which is no news to the person. */
const brokenPipeStatus = 141;

/** `execgate exec`: runs a command and is to the caller's terminal and pipes what the command itself would be. */
export async function exec(args: readonly string[], io: ClientIo): Promise<number> {
  const options = parseExecOptions(args);
  const endpoint = findEndpoint(options.endpoint, io.env);
  const stderr = createSink(io.stderr);
  const { status, message } = await run(options, dial(endpoint, "/v1/exec", execQuery(options, localSize(io))), io, stderr);
  if (message !== undefined) await stderr.write(Buffer.from(`execgate: ${message}\n`));
  await stderr.flush();
  return status;
}

async function run(options: ExecOptions, { socket, refusal: refusalOf }: NodeDialled, io: ClientIo, stderr: Sink): Promise<Ending> {
  const stdout = createSink(io.stdout);
  let isAcknowledged = false;
  const handlers = createHandlers(
    { stdout, stderr },
    (bytes) => connection.ack(bytes),
    () => {
      isAcknowledged = true;
    },
  );
  // Without acknowledgements the server sends on; then only a socket that is not read holds it back.
  const hold = (held: boolean): void => (held && !isAcknowledged ? socket.pause() : socket.resume());
  const connection = connect({ socket }, handlers, { hold });
  const interrupts = passInterrupts(
    io,
    connection,
    () => socket.readyState === socket.OPEN,
    () => leave(connection, socket),
  );
  const stopWatching = options.tty ? watchSize(io, (cols, rows) => connection.resize(cols, rows)) : () => {};
  const isRaw = options.tty && options.stdin && io.stdin.isTTY === true;
  const leaveRawMode = isRaw ? enterRawMode(io) : () => {};
  try {
    if (options.stdin) void sendInput(io, connection, isRaw ? () => leave(connection, socket) : undefined);
    const end = await connection.ended;
    await stdout.flush();
    const interrupted = interrupts.status();
    if (interrupted !== undefined) return { status: interrupted };
    const refusal = end.kind === "lost" && !end.opened ? refusalOf() : undefined;
    return endingOf(refusal === undefined ? end : { kind: "error", code: refusal.code, message: refusal.message });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return { status: brokenPipeStatus };
    return { status: failedStatus, message: `cannot write the output: ${error instanceof Error ? error.message : error}` };
  } finally {
    leaveRawMode();
    stopWatching();
    interrupts.stop();
    socket.terminate();
    if (options.stdin) io.stdin.destroy();
  }
}

/** Writes output where it belongs and acknowledges what is written, four times a window. */
function createHandlers(
  sinks: Readonly<Record<"stdout" | "stderr", Sink>>,
  acknowledge: (bytes: number) => void,
  acknowledging: () => void,
): ConnectionHandlers {
  let consumed = 0;
  let acknowledged = 0;
  let step = Number.POSITIVE_INFINITY;
  const consume = (bytes: number): void => {
    consumed += bytes;
    if (consumed - acknowledged < step) return;
    acknowledged = consumed;
    acknowledge(consumed);
  };
  return {
    attached({ offset, ackWindow }) {
      consumed = offset;
      acknowledged = offset;
      if (ackWindow === 0) return;
      step = ackWindow / 4;
      acknowledging();
    },
    output({ stream, bytes }) {
      const drained = sinks[stream].write(bytes);
      if (drained === undefined) consume(bytes.byteLength);
      return drained?.then(() => consume(bytes.byteLength));
    },
    gap(from, to) {
      consume(to - from);
      return sinks.stderr.write(Buffer.from(`execgate: output bytes ${from} to ${to} are lost\n`));
    },
  };
}

/** Sends what is read, never reading ahead of what the server takes, and the end of it behind. With `escaped`, `~.` calls it. */
async function sendInput(io: ClientIo, connection: Connection, escaped: (() => void) | undefined): Promise<void> {
  const escapes = escaped === undefined ? undefined : createEscapeFilter();
  try {
    for await (const chunk of io.stdin as AsyncIterable<Uint8Array>) {
      const keys = escapes === undefined ? chunk : escapes.filter(chunk);
      if (keys === undefined) return escaped?.();
      if (!(await connection.write(keys))) return;
    }
  } catch {
    // Input that cannot be read any more is at its end: a terminal that hung up, or a stream that was let go at the end.
  }
  await connection.eof();
}

/** Ends the connection by its own handshake, and without it where the other side is silent. */
function leave(connection: Connection, socket: NodeDialled["socket"]): void {
  connection.close();
  setTimeout(() => socket.terminate(), leaveMs).unref();
}
