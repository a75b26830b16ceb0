import { type Connection, connect } from "../client/connection.ts";
import type { ConnectionEnd } from "../client/connection-end.ts";
import { nativeSubprotocol, ticketPrefix } from "../wire/index.ts";
import { ParsedCount } from "./parsed-count.ts";
import type { TerminalView } from "./terminal.ts";

/** More than this is not given to the terminal at a time; the server's window holds back the rest. */
const unparsedBytesMax = 1_048_576;

/**
 * Runs the session that the ticket is for on the terminal. Resolves when it is over, with how it ended.
 * @param base the page's own address, which every request is relative to, so that a base path behind a proxy is kept
 */
export async function runSession(
  base: string,
  ticket: string,
  terminal: TerminalView,
  attached: (target: string) => void,
): Promise<ConnectionEnd> {
  const socket = new WebSocket(execUrl(base), [nativeSubprotocol, ticketPrefix + ticket]);
  const count = new ParsedCount((bytes) => connection.ack(bytes));
  const connection: Connection = connect(
    { socket },
    {
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
    },
  );
  const input = terminal.onInput((bytes) => void connection.write(bytes));
  const resize = terminal.onResize(({ cols, rows }) => connection.resize(cols, rows));
  try {
    return await connection.ended;
  } finally {
    input();
    resize();
  }
}

function execUrl(base: string): URL {
  const url = new URL("v1/exec", base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}
