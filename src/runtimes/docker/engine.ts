import { readFileSync } from "node:fs";
import { Agent, type ClientRequest, IncomingMessage, type RequestOptions, request as sendPlain } from "node:http";
import { request as sendTls, Agent as TlsAgent } from "node:https";
import type { NetConnectOpts } from "node:net";
import { ExecgateError } from "../../errors.ts";
import { Connection } from "./connection.ts";

/** Where a daemon is reached: a path of a unix socket, or a host with the files of TLS when it speaks that. */
export type EngineAddress =
  | { readonly socket: string }
  | { readonly hostname: string; readonly port: number; readonly tls: TlsPaths | undefined };

export interface TlsPaths {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** What a daemon answered. */
export interface Answer {
  readonly status: number;
  /** Parsed JSON; undefined when there is none. */
  readonly body: unknown;
}

export interface Call {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** How long a daemon may take for an answer, milliseconds. */
const answerMsMax = 3000;
/** Some ten thousand containers in a list. */
const answerBytesMax = 64 * 1024 * 1024;
/** The newest version of the interface that this client was written for. */
const versionMax = 47;

/**
 * A client of the Engine API. It is node:http itself: an upgraded connection is the plain socket then, which is half-closed by `end`,
 * and has nothing between itself and the kernel's buffers.
 */
export class Engine {
  readonly #address: EngineAddress;
  readonly #agent: Agent;
  readonly #upgrading = new Set<ClientRequest>();
  /** The second number of the version that both sides speak; undefined until it is known. */
  #version: number | undefined;

  constructor(address: EngineAddress) {
    this.#address = address;
    const options = { keepAlive: true, maxFreeSockets: 16 };
    this.#agent = isTls(address) ? new TlsAgent(options) : new Agent(options);
  }

  /** Asks whether it is there. @throws RUNTIME_UNAVAILABLE */
  async ping(signal?: AbortSignal): Promise<void> {
    const answer = await this.#send("GET", "/_ping", { ...(signal && { signal }) });
    const [, minor] = /^1\.(\d+)$/.exec(String(answer.headers["api-version"] ?? "")) ?? [];
    const { status } = await readBody(answer);
    if (status !== 200) throw this.#unavailable(`it answers ${status}`);
    this.#version = Math.min(Number(minor ?? 24), versionMax);
  }

  /** The version that is spoken with the daemon, 1.`n`. */
  async version(): Promise<number> {
    if (this.#version === undefined) await this.ping();
    return this.#version ?? versionMax;
  }

  /** @throws RUNTIME_UNAVAILABLE when there is no answer; an answer that says no is an answer */
  async call(method: "GET" | "POST", path: string, call: Call = {}): Promise<Answer> {
    const answer = await this.#send(method, `/v1.${await this.version()}${path}`, call);
    return await readBody(answer).catch((cause) => {
      throw this.#unavailable(cause);
    });
  }

  /**
   * Asks for a connection of both ways, and waits for as long as the daemon takes: what was asked for cannot be taken back. An answer that
   * is none is given as it is, and so is a connection that broke since it was asked for: it is over then.
   * @throws RUNTIME_UNAVAILABLE when the daemon cannot be reached, and has not been asked
   */
  async upgrade(path: string, body: unknown): Promise<Connection | Answer> {
    const full = `/v1.${await this.version()}${path}`;
    const connection = new Connection();
    const createConnection = (options: object) => connection.connect(options as NetConnectOpts, isTls(this.#address));
    const reached = await new Promise<Connection | IncomingMessage>((resolve, reject) => {
      const request = this.#request("POST", full, { connection: "Upgrade", upgrade: "tcp" }, { createConnection });
      this.#upgrading.add(request);
      request.once("close", () => this.#upgrading.delete(request));
      request.on("upgrade", (answer, socket, head) => {
        if (answer.statusCode !== 101) socket.destroy();
        else connection.upgraded(head);
        resolve(answer.statusCode === 101 ? connection : answer);
      });
      request.on("response", resolve);
      request.on("error", (cause) => {
        if (request.writableFinished) resolve(connection);
        else reject(this.#unavailable(cause));
      });
      request.end(JSON.stringify(body));
    });
    return reached instanceof IncomingMessage ? await readBody(reached) : reached;
  }

  close(): void {
    for (const request of this.#upgrading) request.destroy();
    this.#agent.destroy();
  }

  /** A kept connection that the daemon has closed meanwhile says nothing about the daemon: another is tried once. */
  async #send(method: string, path: string, { body, signal }: Call, isAgain = false): Promise<IncomingMessage> {
    return await new Promise((resolve, reject) => {
      const request = this.#request(method, path, {}, { agent: this.#agent, ...(signal && { signal }) });
      const timer = setTimeout(() => request.destroy(new Error("it does not answer")), answerMsMax);
      request.on("response", (answer) => {
        answer.once("close", () => clearTimeout(timer));
        resolve(answer);
      });
      request.on("error", (cause) => {
        clearTimeout(timer);
        const isStale = request.reusedSocket && ["ECONNRESET", "EPIPE"].includes((cause as NodeJS.ErrnoException).code ?? "");
        if (isStale && !isAgain) {
          resolve(this.#send(method, path, { body, ...(signal && { signal }) }, true));
          return;
        }
        this.#version = undefined;
        reject(this.#unavailable(cause));
      });
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  #request(method: string, path: string, headers: Record<string, string>, options: RequestOptions) {
    const all = { ...options, method, path, headers: { "content-type": "application/json", ...headers } };
    const address = this.#address;
    if ("socket" in address) return sendPlain({ ...all, socketPath: address.socket });
    const { hostname, port, tls } = address;
    if (tls === undefined) return sendPlain({ ...all, hostname, port });
    return sendTls({ ...all, hostname, port, minVersion: "TLSv1.2", ...this.#readTls(tls) });
  }

  /** Read for each request, so that files that were renewed are used. @throws RUNTIME_UNAVAILABLE */
  #readTls({ certFile, keyFile, caFile }: TlsPaths) {
    try {
      return { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(caFile) };
    } catch (cause) {
      throw this.#unavailable(cause);
    }
  }

  #unavailable(cause: unknown): ExecgateError {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = typeof cause === "string" ? cause : (code ?? message);
    return new ExecgateError("RUNTIME_UNAVAILABLE", `The daemon at ${place(this.#address)} cannot be asked: ${reason}.`, {}, { cause });
  }
}

function isTls(address: EngineAddress): boolean {
  return "tls" in address && address.tls !== undefined;
}

function place(address: EngineAddress): string {
  return "socket" in address ? address.socket : `${address.hostname}:${address.port}`;
}

async function readBody(answer: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > answerBytesMax) throw new Error("the answer is too long");
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString("utf8");
  return { status: answer.statusCode ?? 0, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text === "" ? undefined : { message: text.trim() };
  }
}
