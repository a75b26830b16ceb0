import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { Dialled } from "../client/redial.ts";
import { isFinalStatus, Refusal } from "../client/refusal.ts";
import { nativeSubprotocol } from "../wire/index.ts";
import { type Endpoint, urlOf } from "./endpoint.ts";

const handshakeMs = 30_000;
const refusalBytesMax = 65_536;

/** A WebSocket of Node that is being opened. */
export interface NodeDialled extends Dialled {
  readonly socket: WebSocket;
  refusal(): Refusal | undefined;
}

/** Opens the WebSocket `path` of the gateway. Never throws: what goes wrong closes the socket. */
export function dial(endpoint: Endpoint, path: string, query: URLSearchParams): NodeDialled {
  const url = urlOf(endpoint, path);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  // The query is percent-encoded throughout: a plus sign is a space to some servers and itself to others.
  url.search = query.toString().replaceAll("+", "%20");
  const socket = new WebSocket(url, [nativeSubprotocol], {
    headers: endpoint.token === undefined ? {} : { authorization: `Bearer ${endpoint.token}` },
    perMessageDeflate: false,
    handshakeTimeout: handshakeMs,
    ...(endpoint.ca !== undefined && { ca: endpoint.ca }),
  });
  let refusal: Refusal | undefined;
  socket.on("error", (error) => {
    const what = error.message || (error as NodeJS.ErrnoException).code;
    refusal ??= new Refusal("", `cannot reach ${endpoint.url.origin}: ${what}`, false);
  });
  socket.on("unexpected-response", async (_request, response) => {
    refusal = await readRefusal(response);
    socket.terminate();
  });
  return { socket, refusal: () => refusal };
}

/** An answer other than the upgrade: the gateway's problem, or that of something before it. */
async function readRefusal(response: IncomingMessage): Promise<Refusal> {
  const { statusCode = 0, statusMessage = "" } = response;
  const isFinal = isFinalStatus(statusCode);
  try {
    const problem = JSON.parse(await readBody(response)) as { code?: unknown; detail?: unknown; title?: unknown } | null;
    const detail = problem?.detail ?? problem?.title;
    if (typeof problem?.code === "string" && typeof detail === "string") return new Refusal(problem.code, detail, isFinal);
  } catch {
    // What is not a problem of the gateway has nothing to add to its status.
  }
  return new Refusal("", `the server answered ${statusCode} ${statusMessage}`.trim(), isFinal);
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.setTimeout(handshakeMs, () => response.destroy());
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > refusalBytesMax) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
