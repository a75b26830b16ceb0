import { type Connection, connect } from "../client/connection.ts";
import { dial, type NodeDialled } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Wish } from "./escape.ts";
import { type Ending, endingOf } from "./exit-status.ts";
import { ask } from "./http.ts";
import { passInterrupts } from "./interrupts.ts";
import type { ClientIo } from "./io.ts";
import { createSink, type Sink } from "./output.ts";
import { createReceiver } from "./receive.ts";
import { sendInput, sendKeys } from "./send-input.ts";
import { enterRawMode, suspend, watchSize } from "./terminal.ts";

/** How long the close handshake may take when the client leaves before the command is over. */
const leaveMs = 1000;

/** What a terminal or a pipe is to be joined to. */
export interface Conversation {
  readonly endpoint: Endpoint;
  readonly dialled: NodeDialled;
  readonly tty: boolean;
  readonly stdin: boolean;
  /** How long the session outlives its connection; 0 is not at all. */
  readonly keepMs: number;
  readonly role: "writer" | "viewer";
  /** A size to tell the session at once. */
  readonly size?: { readonly cols: number; readonly rows: number } | undefined;
}

/** Joins the caller's terminal and pipes to a session, over as many connections as it takes, and says how that ended. */
export async function converse(io: ClientIo, stderr: Sink, conversation: Conversation): Promise<Ending> {
  const client = new Client(io, stderr, conversation);
  try {
    return await client.run();
  } catch (error) {
    // Most often the output could not be written.
    await client.endSession();
    throw error;
  } finally {
    client.close();
  }
}

class Client {
  readonly #io: ClientIo;
  readonly #conversation: Conversation;
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #isRaw: boolean;
  readonly #connection: Connection;
  #dialled: NodeDialled;
  #session: string | undefined;
  #undo: (() => void)[] = [];

  constructor(io: ClientIo, stderr: Sink, conversation: Conversation) {
    const { dialled, keepMs, tty, stdin, role } = conversation;
    this.#io = io;
    this.#conversation = conversation;
    this.#stdout = createSink(io.stdout);
    this.#stderr = stderr;
    this.#dialled = dialled;
    this.#isRaw = tty && stdin && io.stdin.isTTY === true;
    const receiver = createReceiver(
      {
        stdout: this.#stdout,
        stderr,
        tell: (text) => this.#tell(text),
        attached: (session) => {
          this.#session = session;
        },
      },
      () => this.#connection,
    );
    const resume = keepMs > 0 && role === "writer" ? { dial: this.#redial, withinMs: keepMs } : undefined;
    this.#connection = connect(dialled, receiver.handlers, {
      resume,
      // Without acknowledgements the server sends on; then only a socket that is not read holds it back.
      hold: (held) => (held && !receiver.isAcknowledged() ? this.#dialled.socket.pause() : this.#dialled.socket.resume()),
    });
  }

  async run(): Promise<Ending> {
    const { tty, stdin, size, role } = this.#conversation;
    const isOpen = (): boolean => this.#dialled.socket.readyState === this.#dialled.socket.OPEN;
    const interrupts = passInterrupts(this.#io, this.#connection, isOpen, () => this.#leave());
    this.#undo.push(() => interrupts.stop());
    if (size !== undefined) this.#connection.resize(size.cols, size.rows);
    if (tty && role === "writer") this.#undo.push(watchSize(this.#io, (cols, rows) => this.#connection.resize(cols, rows)));
    if (this.#isRaw) this.#undo.push(enterRawMode(this.#io));
    if (this.#isRaw) void sendKeys(this.#io, this.#connection, (wish) => this.#grant(wish));
    else if (stdin) void sendInput(this.#io, this.#connection);
    const end = await this.#connection.ended;
    await this.#stdout.flush();
    const interrupted = interrupts.status();
    if (interrupted !== undefined) return { status: interrupted };
    if (end.kind === "detached") return { status: 0, message: `detached; execgate attach ${this.#session} comes back` };
    const refusal = end.kind === "lost" && !end.opened ? this.#dialled.refusal() : undefined;
    return endingOf(refusal === undefined ? end : { kind: "error", code: refusal.code, message: refusal.message });
  }

  close(): void {
    for (const undo of this.#undo) undo();
    this.#dialled.socket.terminate();
    if (this.#conversation.stdin) this.#io.stdin.destroy();
  }

  /** Ends a session that would outlive this client. */
  async endSession(): Promise<void> {
    const { endpoint, keepMs, role } = this.#conversation;
    if (keepMs === 0 || this.#session === undefined || role === "viewer") return;
    // Where the gateway cannot be reached it ends the session by itself, when nobody has come back in time.
    await ask(endpoint, "DELETE", `/v1/sessions/${this.#session}`, leaveMs).catch(() => undefined);
  }

  readonly #redial = async ({ session, client, offset }: { session: string; client: string; offset: number }) => {
    this.#dialled.socket.terminate();
    const query = new URLSearchParams({ client, offset: String(offset), flow: "ack" });
    this.#dialled = dial(this.#conversation.endpoint, `/v1/sessions/${session}/attach`, query);
    return this.#dialled;
  };

  /** Says whether that is the end of this client. */
  #grant(wish: Wish): boolean {
    if (wish === "suspend") suspend(this.#io);
    else if (wish === "detach") this.#connection.detach();
    else this.#leave();
    return wish !== "suspend";
  }

  /** Ends the session, and the connection by its own handshake, or without it where the other side is silent. */
  #leave(): void {
    void this.endSession().then(() => {
      this.#connection.close();
      setTimeout(() => this.#dialled.socket.terminate(), leaveMs).unref();
    });
  }

  #tell(text: string): void | Promise<void> {
    const end = this.#isRaw ? "\r\n" : "\n";
    return this.#stderr.write(Buffer.from(`${this.#isRaw ? "\r\n" : ""}execgate: ${text}${end}`));
  }
}

/** The last words of a command on a terminal or a pipe. */
export async function conclude({ status, message }: Ending, stderr: Sink): Promise<number> {
  if (message !== undefined) await stderr.write(Buffer.from(`execgate: ${message}\n`));
  await stderr.flush();
  return status;
}
