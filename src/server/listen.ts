import { constants } from "node:crypto";
import { once } from "node:events";
import { lstat, unlink } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Address } from "../address.ts";
import type { Descriptors } from "../exec/descriptors.ts";
import { farewellMs, headerBytesMax } from "./client-error.ts";
import { countConnections } from "./connections.ts";
import type { App } from "./deps.ts";
import { headersMax } from "./head.ts";
import { routeUpgrade, type UpgradeRoutes } from "./upgrades.ts";

/** A listener that is open. */
export interface Listener {
  readonly address: Address;
  /** Where it is reached, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes other files for the connections to come. @throws what OpenSSL refuses, and the old ones go on */
  renewTls(files: TlsFiles): void;
  /** Takes no new connection, ends those that carry no request, and resolves when every answer under way is given. */
  stop(): Promise<void>;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** What a listener with TLS is, in PEM. */
export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  /** Who signs the certificates of clients; undefined when they are not asked for one. */
  readonly clientCa: string | undefined;
}

export interface ListenOptions {
  /** Undefined for plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** The mode of a unix socket. */
  readonly unixMode: number;
  /** What connections take one of each. */
  readonly descriptors: Descriptors;
  /** How long a client may take nothing of an answer until its connection is closed, milliseconds. */
  readonly slowClientMs: number;
  /** How long the head of a request, and a TLS handshake, may take to arrive, milliseconds. */
  readonly headMs: number;
}

/** How often connections that have not finished a request's head are looked through, milliseconds. */
const checkMs = 1000;
/** How long a whole request may take to arrive, milliseconds. */
const requestMs = 300_000;
/** How long a connection may idle between requests, milliseconds: longer than proxies do, which else meet one that is just being closed. */
const keepAliveMs = 75_000;

/** Opens one listener, which hands its requests and upgrades to the app. @throws what listening throws, such as EADDRINUSE */
export async function openListener(app: App, address: Address, options: ListenOptions): Promise<Listener> {
  const { descriptors, slowClientMs } = options;
  const server = createServer(options);
  countConnections(server, descriptors);
  const answers = new Set<http.ServerResponse>();
  const isAnswering = (socket: Socket): boolean => [...answers].some((response) => response.req.socket === socket);
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    if (descriptors.isShort) response.shouldKeepAlive = false;
    answers.add(response);
    response.once("close", () => answers.delete(response));
    response.once("finish", () => endBody(request));
    app.routing(request, response);
  };
  // One more than is taken, because the parser drops the rest without a word.
  server.maxHeadersCount = headersMax + 1;
  server.on("request", answer);
  // What else a client expects than to be told to go on is left alone, as RFC 9110 lets us.
  server.on("checkExpectation", answer);
  // Nothing moved for so long: it is a command that says nothing, or a client that takes nothing.
  const endStalled = (socket: Socket): void => {
    if (!isAnswering(socket) || socket.writableLength > 0) socket.destroy();
  };
  server.setTimeout(slowClientMs, endStalled);
  const upgrades: UpgradeRoutes = {
    answer(request, response) {
      // Node has let go of the connection, and of its timeout with it.
      request.socket.setTimeout(slowClientMs).on("timeout", () => endStalled(request.socket));
      answer(request, response);
    },
    isAnswering,
    isShort: () => descriptors.isShort,
    toWebSocket: (request, socket, head) => void app.server.emit("upgrade", request, socket, head),
  };
  server.on("upgrade", (request, socket: Socket, head) => routeUpgrade(request, socket, head, upgrades));
  server.on("clientError", (cause, socket) => app.server.emit("clientError", cause, socket));
  if (address.kind === "unix") await removeStaleSocket(address.path);
  const sockets = track(server, address.kind === "unix");
  await listen(server, address, options.unixMode);
  // Such as a connection that could not be accepted, because descriptors have run out.
  server.on("error", (cause) => app.log.error({ err: cause }, "listener failed"));
  return {
    address,
    url: urlOf(server, address),
    renewTls(files) {
      if (server instanceof https.Server) server.setSecureContext(tlsOptions(files, options));
    },
    async stop() {
      server.close();
      server.closeIdleConnections();
      await Promise.all([...answers].map((answer) => once(answer, "close")));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Whoever was answered before its body came to an end may finish it, but not take for ever. */
function endBody(request: http.IncomingMessage): void {
  if (request.complete) return;
  const cutOff = setTimeout(() => request.socket.destroy(), farewellMs);
  request.once("close", () => clearTimeout(cutOff));
}

function createServer(options: ListenOptions): http.Server | https.Server {
  const { tls, headMs } = options;
  const limits = {
    maxHeaderSize: headerBytesMax,
    // The gatekeeper says so in words.
    requireHostHeader: false,
    headersTimeout: headMs,
    requestTimeout: Math.max(requestMs, headMs),
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(checkMs, headMs),
  };
  return tls === undefined ? http.createServer(limits) : https.createServer({ ...limits, ...tlsOptions(tls, options) });
}

/**
 * Clients are asked for a certificate where there is an authority for them, and may have none: who has neither that nor
 * another credential is told so in words. A session is never resumed, so that each connection's certificate is checked.
 */
function tlsOptions({ key, cert, clientCa }: TlsFiles, { headMs }: ListenOptions): https.ServerOptions {
  return {
    key,
    cert,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    handshakeTimeout: headMs,
    ...(clientCa !== undefined && {
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
  };
}

/** Every open connection: a server forgets those that were upgraded. */
function track(server: http.Server | https.Server, isUnix: boolean): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on(server instanceof https.Server ? "secureConnection" : "connection", (socket: Socket) => {
    // A unix socket has no name that a page could point elsewhere; the check of the Host asks for this mark.
    if (isUnix) Object.assign(socket, { isUnixListener: true });
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Each request that is being answered waits for the end of the connection, and there may be many.
    socket.setMaxListeners(0);
  });
  return sockets;
}

function listen(server: http.Server | https.Server, address: Address, unixMode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ready = (): void => {
      server.removeListener("error", reject);
      resolve();
    };
    if (address.kind === "tcp") {
      server.listen(address.port, address.host, ready);
      return;
    }
    // The socket is made within the call, and so with this mode from its first moment on.
    const mask = process.umask(0o777 & ~unixMode);
    try {
      server.listen(address.path, ready);
    } finally {
      process.umask(mask);
    }
  });
}

function urlOf(server: http.Server | https.Server, address: Address): string {
  const scheme = address.tls ? "https" : "http";
  if (address.kind === "unix") return `${scheme}+unix:${address.path}`;
  const { port } = server.address() as AddressInfo;
  return `${scheme}://${address.host.includes(":") ? `[${address.host}]` : address.host}:${port}`;
}

/** Removes a socket file that nobody listens on any more, as a gateway that was killed leaves it. */
async function removeStaleSocket(path: string): Promise<void> {
  // To a file of another kind nobody can connect either: it is left for listening to fail on.
  if ((await lstat(path).catch(() => undefined))?.isSocket() !== true) return;
  const isStale = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (cause: NodeJS.ErrnoException) => resolve(cause.code === "ECONNREFUSED"));
  });
  if (isStale) await unlink(path);
}
