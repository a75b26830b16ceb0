import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Runtime } from "../../../src/exec/runtime.ts";
import { createKubernetesRuntime, type KubernetesOptions } from "../../../src/runtimes/kubernetes/index.ts";

/** An exec as the server sees it. */
export interface FakeExec {
  readonly socket: WebSocket;
  readonly query: URLSearchParams;
  /** Lets the gate of this exec go: it says that the command is ready, and that it runs as process 7. */
  pass(): Promise<void>;
  say(channel: number, text: string): void;
  end(status: object): void;
}

export const success = { metadata: {}, status: "Success" };

export function exitedWith(code: number): object {
  return { status: "Failure", reason: "NonZeroExitCode", details: { causes: [{ reason: "ExitCode", message: String(code) }] } };
}

/** A pod as the API server tells of it, with what a test needs of it. */
export function podNamed(
  name: string,
  more: { uid?: string; phase?: string; metadata?: object; containers?: object[]; status?: object } = {},
) {
  const { uid = `uid-of-${name}`, phase = "Running", containers = [{ name: "main" }] } = more;
  const metadata = { name, namespace: "prod", uid, labels: { app: name }, ...more.metadata };
  return { metadata, spec: { containers }, status: { phase, ...more.status } };
}

export type FakePod = ReturnType<typeof podNamed>;

interface FakeClusterOptions {
  readonly protocols?: readonly string[];
  readonly tls?: ServerOptions;
  /** The user's part of the kubeconfig. */
  readonly user?: object;
  readonly cluster?: object;
}

/** An API server for faults: it says what it is told to, which no real one can be brought to. It keeps a list of what it was asked. */
export class FakeCluster implements AsyncDisposable {
  readonly pods = new Map<string, FakePod>();
  readonly asked: string[] = [];
  readonly requests: IncomingMessage[] = [];
  /** What becomes of an exec; by default nothing. */
  onExec: (exec: FakeExec) => void = () => undefined;
  /** Answers an upgrade before it becomes an exec; true when it did. */
  onUpgrade: (socket: Duplex, request: IncomingMessage) => boolean = () => false;
  /** Answers a plain request itself; true when it did. */
  onRequest: (response: ServerResponse, request: IncomingMessage) => boolean = () => false;
  readonly sockets = new Set<Socket>();
  /** The watches that are open now. */
  readonly watches = new Set<ServerResponse>();
  /** The version of each is its place among them. */
  readonly #changes: { readonly type: string; readonly object: FakePod }[] = [];
  readonly #server: Server;
  readonly #folder: string;
  readonly #options: FakeClusterOptions;

  static async start(options: FakeClusterOptions = {}): Promise<FakeCluster> {
    const fake = new FakeCluster(options, await mkdtemp(join(tmpdir(), "execgate-cluster-")));
    await fake.listen(0);
    const { port } = fake.#server.address() as AddressInfo;
    await writeFile(fake.kubeconfig, JSON.stringify(fake.#config(port)));
    return fake;
  }

  private constructor(options: FakeClusterOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#server = options.tls ? createTlsServer(options.tls) : createServer();
    this.#server.on("request", (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
    this.#server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    const acceptor = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => (options.protocols ?? ["v5.channel.k8s.io"]).find((name) => offered.has(name)) ?? false,
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#record(request);
      if (this.onUpgrade(socket, request)) return;
      acceptor.handleUpgrade(request, socket, head, (accepted) => this.onExec(fakeExec(accepted, request)));
    });
  }

  get kubeconfig(): string {
    return join(this.#folder, "config");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Adds pods, or puts them in the place of others by their names. */
  add(...pods: readonly FakePod[]): void {
    for (const pod of pods) this.#tell(this.pods.has(pod.metadata.name) ? "MODIFIED" : "ADDED", pod);
  }

  remove(name: string): void {
    const pod = this.pods.get(name);
    if (pod !== undefined) this.#tell("DELETED", pod);
  }

  runtime(options: Partial<KubernetesOptions> = {}): Runtime {
    return createKubernetesRuntime("k", { kubeconfig: this.kubeconfig, namespaces: ["prod"], watchPauseMs: 20, ...options });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  /** Ends all watches in good order, as an API server does after some minutes. */
  endWatches(): void {
    for (const response of this.watches) response.end();
    this.watches.clear();
  }

  /** Goes away, with all connections. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.stop();
    await rm(this.#folder, { recursive: true });
  }

  #record(request: IncomingMessage): void {
    const { pathname, searchParams } = urlOf(request);
    this.asked.push(`${searchParams.has("watch") ? "WATCH" : request.method} ${pathname}`);
    this.requests.push(request);
  }

  /** Keeps what has happened to a pod, and says it to who watches. */
  #tell(type: "ADDED" | "MODIFIED" | "DELETED", pod: FakePod): void {
    const object = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(this.#changes.length + 1) } };
    if (type === "DELETED") this.pods.delete(pod.metadata.name);
    else this.pods.set(pod.metadata.name, object);
    this.#changes.push({ type, object });
    for (const response of this.watches) response.write(`${JSON.stringify({ type, object })}\n`);
  }

  /** What has happened after a version, and what happens from now on. */
  #watch(response: ServerResponse, after: number): void {
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    for (const change of this.#changes.slice(after)) response.write(`${JSON.stringify(change)}\n`);
    this.watches.add(response);
    response.once("close", () => this.watches.delete(response));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#record(request);
    if (this.onRequest(response, request)) return;
    const { pathname, searchParams } = urlOf(request);
    const [, name] = /^\/api\/v1\/(?:namespaces\/prod\/)?pods(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const all = [...this.pods.values()];
    if (searchParams.has("watch")) this.#watch(response, Number(searchParams.get("resourceVersion")));
    else if (name === undefined) {
      const from = Number(searchParams.get("continue") ?? 0);
      const to = from + Number(searchParams.get("limit") ?? 500);
      const metadata = { resourceVersion: String(this.#changes.length), ...(to < all.length && { continue: String(to) }) };
      sendJson(response, 200, { items: all.slice(from, to), metadata });
    } else if (this.pods.has(name)) sendJson(response, 200, this.pods.get(name));
    else sendJson(response, 404, { kind: "Status", message: `pods "${name}" not found`, code: 404 });
  }

  #config(port: number): object {
    const { tls, user = {}, cluster } = this.#options;
    const server = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
    return {
      clusters: [{ name: "c", cluster: { server, ...(cluster ?? { "insecure-skip-tls-verify": true }) } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "prod" } }],
      "current-context": "x",
    };
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? "", "http://fake");
}

function fakeExec(socket: WebSocket, request: IncomingMessage): FakeExec {
  const query = urlOf(request).searchParams;
  const say = (channel: number, text: string): void => socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
  return {
    socket,
    query,
    say,
    end(status) {
      say(3, JSON.stringify(status));
      socket.close(1000);
    },
    async pass() {
      const cookie = query.getAll("command")[4];
      await new Promise<void>((resolve) => {
        socket.on("message", (data: Buffer) => {
          if (data[0] === 0 && data.toString().endsWith("g\n")) resolve();
        });
      });
      say(1, `${cookie} ready 7 100 1\n`);
    },
  };
}
