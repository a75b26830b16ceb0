import type { IncomingMessage } from "node:http";
import WebSocket from "ws";
import type { ExecgateError } from "../../errors.ts";
import { channelSubprotocols } from "./channel.ts";
import type { Cluster } from "./cluster.ts";
import { brokenBy, readBeginning, refusalOf } from "./refusal.ts";

/** How long the server may take to answer the request: it asks the kubelet before. */
const upgradeMsMax = 20_000;

/** Servers send 32 KiB a message; a larger one is no exec. */
const messageBytesMax = 1024 * 1024;

/**
 * Opens a WebSocket on `path`. Whatever is no 101 has its socket destroyed, and no redirect is followed, so that nothing
 * that is no exec stream is ever spoken to as if it were one.
 * @param watch is given the socket before anything can arrive on it
 * @throws what the server's answer means; the signal's reason when it aborts
 */
export async function upgrade(cluster: Cluster, path: string, signal: AbortSignal, watch: (socket: WebSocket) => void): Promise<void> {
  const access = await cluster.access();
  signal.throwIfAborted();
  const url = (cluster.server + path).replace(/^http/, "ws");
  const socket = new WebSocket(url, [...channelSubprotocols], {
    ...access,
    headers: { ...access.headers } as Record<string, string>,
    // The proxy's agent or none: Node's own would keep the connection of a refusal open.
    agent: access.agent || (false as unknown as undefined),
    followRedirects: false,
    handshakeTimeout: upgradeMsMax,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
  });
  watch(socket);
  await opened(socket, signal);
}

function opened(socket: WebSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      signal.removeEventListener("abort", abort);
      // The error that `ws` tells of a connection given up before it stood is expected.
      socket.on("error", () => undefined);
      socket.terminate();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    socket.once("unexpected-response", (_request, response) => void refused(response).then(fail));
    socket.once("error", (error) => fail(brokenBy(error)));
    socket.once("open", () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
  });
}

/** How long a refusal's words are waited for. */
const wordsMsMax = 2000;

async function refused(response: IncomingMessage): Promise<ExecgateError> {
  const { socket } = response;
  const late = setTimeout(() => socket.destroy(), wordsMsMax);
  const words = await readBeginning(response);
  clearTimeout(late);
  socket.destroy();
  return refusalOf(response.statusCode ?? 0, words, response.headers);
}
