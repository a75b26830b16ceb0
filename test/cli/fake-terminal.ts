import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { runClient } from "../../src/cli/index.ts";
import type { ClientIo } from "../../src/cli/io.ts";

/** The streams and the environment of a client in a test, and what it wrote. */
export interface FakeTerminal extends ClientIo {
  readonly stdin: PassThrough & { isTTY?: boolean; setRawMode?(raw: boolean): void };
  readonly stdout: PassThrough & { isTTY?: boolean; columns?: number; rows?: number };
  readonly stderr: PassThrough;
  readonly signals: EventEmitter;
}

/** A client's world that asks the gateway at `server` and has no state of its own. */
export function createFakeTerminal(server: string): FakeTerminal {
  const env = { EXECGATE_SERVER: server, EXECGATE_TOKEN: "secret", EXECGATE_STATE_DIR: "/nonexistent" };
  return { env, stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), signals: new EventEmitter() };
}

/** Runs one command to its end with `input` as its stdin. */
export async function runToEnd(argv: readonly string[], io: FakeTerminal, input?: string | Buffer) {
  if (input !== undefined) io.stdin.end(input);
  const texts = Promise.all([collect(io.stdout), collect(io.stderr)]);
  const status = await runClient(argv, io);
  io.stdout.end();
  io.stderr.end();
  const [stdout, stderr] = await texts;
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

async function collect(stream: PassThrough): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
