import { type Connection, connect } from "../client/connection.ts";
import type { ConnectionEnd } from "../client/connection-end.ts";
import type { Dialled, Place } from "../client/redial.ts";
import { Refusal as DialRefusal, isFinalStatus } from "../client/refusal.ts";
import type { AttachedMessage, ClientView } from "../wire/codec.ts";
import { nativeSubprotocol, ticketPrefix } from "../wire/index.ts";
import { type Api, Refusal } from "./api.ts";
import { ParsedCount } from "./parsed-count.ts";
import type { TerminalView } from "./terminal/terminal.ts";

/** More than this is not given to the terminal at a time; the server's window holds back the rest. */
const unparsedBytesMax = 1_048_576;
/** How long a lost connection is dialled again, milliseconds. The gateway says sooner when the session is gone. */
const patienceMs = 3_600_000;

/** What a tab is to show: a session that is to be started, or one that there is. */
export type Wanted =
  | { readonly kind: "exec"; readonly target: string; readonly reason?: string | undefined; readonly keepMs: number }
  | {
      readonly kind: "attach";
      readonly session: string;
      readonly role: "writer" | "viewer";
      readonly reason?: string | undefined;
      readonly keepMs: number;
    };

export interface LinkEvents {
  attached(message: AttachedMessage): void;
  clients(clients: readonly ClientView[]): void;
  /** The connection is lost, and is dialled again. */
  lost(): void;
  output(): void;
  /** Bytes of the output that nobody has any more. */
  gap(bytes: number): void;
}

/** A session on a terminal. */
export interface Link {
  readonly ended: Promise<ConnectionEnd>;
  detach(): void;
}

/**
 * Joins a terminal to a session, over as many sockets as it takes. Of a WebSocket that is refused a page learns only that it
 * failed, so that each is asked leave for first.
 * @throws Refusal when the gateway does not want it
 */
export async function openLink(base: string, api: Api, wanted: Wanted, terminal: TerminalView, events: LinkEvents): Promise<Link> {
  const dial = async (body: object, path: string): Promise<Dialled> => {
    const { ticket } = await api.post<{ ticket: string }>("v1/tickets", body);
    return { socket: new WebSocket(socketUrl(base, path), [nativeSubprotocol, ticketPrefix + ticket]) };
  };
  const first = await (wanted.kind === "exec"
    ? dial({ exec: { ...execOf(wanted), ...terminal.size, tty: true, flow: "ack" } }, "v1/exec")
    : dial({ attach: attachOf(wanted) }, `v1/sessions/${wanted.session}/attach`));
  const redial = async ({ session, client, offset }: Place): Promise<Dialled> => {
    const back = wanted.kind === "attach" && wanted.role === "viewer" ? { role: "viewer" } : { client };
    try {
      return await dial({ attach: { session, offset, flow: "ack", ...back } }, `v1/sessions/${session}/attach`);
    } catch (cause) {
      throw cause instanceof Refusal ? new DialRefusal(cause.code, cause.message, isFinalStatus(cause.status)) : cause;
    }
  };
  return joinTerminal(first, redial, wanted, terminal, events);
}

function joinTerminal(
  first: Dialled,
  dial: (place: Place) => Promise<Dialled>,
  wanted: Wanted,
  terminal: TerminalView,
  events: LinkEvents,
): Link {
  const count = new ParsedCount((bytes) => connection.ack(bytes));
  const isViewer = wanted.kind === "attach" && wanted.role === "viewer";
  const connection: Connection = connect(
    first,
    {
      attached(message) {
        count.skipTo(message.offset);
        if (isViewer) terminal.resize(message);
        events.attached(message);
      },
      gap(from, to) {
        count.skipTo(to);
        events.gap(to - from);
      },
      resized(cols, rows) {
        if (isViewer) terminal.resize({ cols, rows });
      },
      clients: (clients) => events.clients(clients),
      lost: () => events.lost(),
      output({ bytes }) {
        const parsed = count.receive(bytes.byteLength);
        events.output();
        const written = terminal.write(bytes).then(parsed);
        return count.unparsed > unparsedBytesMax ? written : undefined;
      },
    },
    { resume: { dial, withinMs: patienceMs } },
  );
  const renew = (): void => connection.renew();
  addEventListener("online", renew);
  const input = isViewer ? undefined : terminal.onInput((bytes) => void connection.write(bytes));
  const resize = isViewer ? undefined : terminal.onResize(({ cols, rows }) => connection.resize(cols, rows));
  const ended = connection.ended.finally(() => {
    removeEventListener("online", renew);
    input?.();
    resize?.();
  });
  return { ended, detach: () => connection.detach() };
}

function execOf({ target, reason, keepMs }: Extract<Wanted, { kind: "exec" }>) {
  return { target, keepMs, ...(reason !== undefined && { reason }) };
}

function attachOf({ session, role, reason }: Extract<Wanted, { kind: "attach" }>) {
  return { session, role, flow: "ack", ...(reason !== undefined && { reason }) };
}

function socketUrl(base: string, path: string): URL {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}
