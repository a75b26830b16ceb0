import { type Connection, connect } from "../client/connection.ts";
import type { ConnectionEnd } from "../client/connection-end.ts";
import { encodeBearerSubprotocol, nativeSubprotocol } from "../wire/index.ts";
import { ParsedCount } from "./parsed-count.ts";
import type { TerminalView } from "./terminal.ts";

/** More than this is not given to the terminal at a time; the server's window holds back the rest. */
const unparsedBytesMax = 1_048_576;

export interface SessionRequest {
  /** The page's own address, which every request is relative to, so that a base path behind a proxy is kept. */
  readonly base: string;
  readonly token: string;
  readonly target: string;
}

/** Runs one login shell on the terminal. Resolves when it is over, with how it ended. */
export async function runSession(
  request: SessionRequest,
  terminal: TerminalView,
  attached: (target: string) => void,
): Promise<ConnectionEnd> {
  const socket = new WebSocket(execUrl(request, terminal), [nativeSubprotocol, encodeBearerSubprotocol(request.token)]);
  const count = new ParsedCount((bytes) => connection.ack(bytes));
  const connection: Connection = connect(socket, {
    attached: (message) => {
      count.skipTo(message.offset);
      attached(message.target);
    },
    gap: (_from, to) => count.skipTo(to),
    output: ({ bytes }) => {
      const parsed = count.receive(bytes.byteLength);
      const written = terminal.write(bytes).then(parsed);
      return count.unparsed > unparsedBytesMax ? written : undefined;
    },
  });
  const input = terminal.onInput((bytes) => void connection.write(bytes));
  const resize = terminal.onResize(({ cols, rows }) => connection.resize(cols, rows));
  try {
    return await connection.ended;
  } finally {
    input();
    resize();
  }
}

function execUrl({ base, target }: SessionRequest, terminal: TerminalView): URL {
  const url = new URL("v1/exec", base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const { cols, rows } = terminal.size;
  url.search = new URLSearchParams({ target, tty: "1", cols: `${cols}`, rows: `${rows}`, keepMs: "0", flow: "ack" }).toString();
  return url;
}
