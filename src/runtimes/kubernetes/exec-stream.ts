import type WebSocket from "ws";
import { ExecgateError } from "../../errors.ts";
import type { Size } from "../../exec/runtime.ts";
import { readMessage, resizeMessage, stdinEnd, stdinMessages } from "./channel.ts";
import type { Cluster } from "./cluster.ts";
import { PulledOutput } from "./pulled-output.ts";
import { StatusReader, type Verdict } from "./status.ts";
import { upgrade } from "./upgrade.ts";

export interface StreamOptions {
  /** How often the server is pinged; a server that says nothing for three times as long is given up. Default: 10 000 ms */
  readonly pingMs: number;
}

/** How long the server's close is waited for. */
const closeMsMax = 1000;

/** One exec on its WebSocket: output pulled, input pushed back, and the verdict at its end. */
export class ExecStream {
  readonly output: PulledOutput;
  /** How the command ended; rejects when that will never be known. */
  readonly verdict: Promise<Verdict>;
  readonly #socket: WebSocket;
  readonly #status = new StatusReader();
  readonly #heartbeat: NodeJS.Timeout;
  #tell!: (verdict: Verdict) => void;
  #lose!: (why: ExecgateError) => void;
  #isTold = false;
  #silentBeats = 0;

  /** @throws what the API server refuses, as ExecgateError */
  static async open(cluster: Cluster, path: string, options: StreamOptions, signal: AbortSignal): Promise<ExecStream> {
    let stream: ExecStream | undefined;
    try {
      await upgrade(cluster, path, signal, (socket) => {
        stream = new ExecStream(socket, options);
      });
      return stream as unknown as ExecStream;
    } catch (error) {
      stream?.close();
      throw error;
    }
  }

  private constructor(socket: WebSocket, { pingMs }: StreamOptions) {
    this.#socket = socket;
    this.output = new PulledOutput(socket);
    this.verdict = new Promise((resolve, reject) => {
      this.#tell = resolve;
      this.#lose = reject;
    });
    // Who does not ask for the verdict is not to be ended by a rejection that nobody handles.
    this.verdict.catch(() => undefined);
    this.#heartbeat = setInterval(() => this.#beat(), pingMs).unref();
    socket.on("message", (data) => this.#take(data as Buffer));
    socket.on("pong", () => this.#heard());
    socket.on("ping", () => this.#heard());
    socket.on("error", () => undefined);
    socket.on("close", () => this.#over());
  }

  /** Whether the end of stdin can be said. */
  get canEndInput(): boolean {
    return this.#socket.protocol === "v5.channel.k8s.io";
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN && !this.#isTold;
  }

  /** Resolves when the kernel has taken the bytes, or nobody reads them any more. */
  async write(bytes: Uint8Array): Promise<void> {
    for (const message of stdinMessages(bytes)) await this.#send(message);
  }

  async endInput(): Promise<void> {
    if (this.canEndInput) await this.#send(stdinEnd);
  }

  async resize(size: Size): Promise<void> {
    await this.#send(resizeMessage(size));
  }

  /** Gives the stream up. What the server runs on it is not ended by that. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#lose(new ExecgateError("RUNTIME_UNAVAILABLE", "The stream was given up."));
    this.output.finish(false);
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), closeMsMax).unref();
  }

  #send(message: Buffer): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => this.#socket.send(message, () => resolve()));
  }

  #take(data: Buffer): void {
    this.#heard();
    const said = readMessage(data);
    if (said === undefined || this.#isTold) return;
    if (said.type === "output") this.output.push(said);
    else this.#judge(this.#status.push(said.bytes));
  }

  /** The Status is behind all output. */
  #judge(verdict: Verdict | undefined): void {
    if (verdict === undefined) return;
    this.#isTold = true;
    this.#tell(verdict);
    this.output.finish("exitCode" in verdict);
  }

  /** Without a Status, whatever the close code says, nobody knows how the command ended. */
  #over(): void {
    clearInterval(this.#heartbeat);
    this.#lose(new ExecgateError("RUNTIME_UNAVAILABLE", "The API server ended the stream and did not say how the command ended."));
    this.output.finish(false);
  }

  #heard(): void {
    this.#silentBeats = 0;
  }

  /** A pong stands behind the output: while that is not read, silence means nothing. */
  #beat(): void {
    if (this.output.isPaused) this.#heard();
    else if (++this.#silentBeats > 3) {
      this.#socket.terminate();
      return;
    }
    if (this.#isOpen) this.#socket.ping();
  }
}
