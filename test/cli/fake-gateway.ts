import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import type { ClientMessage, Frame, ServerMessage } from "../../src/wire/codec.ts";
import { createServerCodec } from "../../src/wire/execgate-v1.ts";
import { attachedMessage, exitMessage } from "../fixtures/messages.ts";

/** One connection as a test's gateway sees it. */
export interface Conversation {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly socket: WebSocket;
  say(message: ServerMessage): void;
  /** The next message of the client; undefined when it has gone. */
  hear(): Promise<ClientMessage | undefined>;
  /** Says the end of the command and closes. */
  exit(fields?: Partial<Extract<ServerMessage, { type: "exit" }>>): void;
}

export interface Refusal {
  readonly status: number;
  readonly body: string;
}

export const stdinWindow = 262_144;

/** A gateway that greets like the real one and then does what `serve` does; returns its URL. */
export async function startFakeGateway(
  t: TestContext,
  serve: (conversation: Conversation) => void | Promise<void>,
  { refusal, tls }: { readonly refusal?: Refusal; readonly tls?: { readonly key: string; readonly cert: string } } = {},
): Promise<string> {
  const http = tls === undefined ? createServer() : createTlsServer(tls);
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "v1.execgate" });
  http.on("request", (_request, response) => response.end("{}"));
  http.on("upgrade", (request, socket, head) => {
    if (refusal !== undefined) {
      const headers = `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(refusal.body)}\r\nconnection: close`;
      socket.end(`HTTP/1.1 ${refusal.status} Refused\r\n${headers}\r\n\r\n${refusal.body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => void serve(converse(request, webSocket)));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    http.close();
    http.closeAllConnections();
  });
  return `${tls === undefined ? "http" : "https"}://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function converse(request: IncomingMessage, socket: WebSocket): Conversation {
  const query = new URL(request.url ?? "", "http://x").searchParams;
  const codec = createServerCodec({ tty: query.get("tty") === "1", stdin: true, stdout: true, stderr: true });
  const heard: ClientMessage[] = [];
  let wake: (() => void) | undefined;
  let isGone = false;
  socket.on("message", (data: Buffer, isBinary) => {
    heard.push(...codec.decode(data, isBinary));
    wake?.();
  });
  socket.on("close", () => {
    isGone = true;
    wake?.();
  });
  const say = (message: ServerMessage): void => {
    for (const frame of codec.encode(message) as readonly Frame[]) socket.send(frame);
  };
  say(attachedMessage({ session: "01J", tty: query.get("tty") === "1", ackWindow: 65_536, stdinWindow }));
  return {
    request,
    query,
    socket,
    say,
    async hear() {
      while (heard.length === 0 && !isGone) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return heard.shift();
    },
    exit(fields = {}) {
      say(exitMessage(fields));
      socket.close(1000);
    },
  };
}
