import { type Connection, type ConnectionHandlers, connect } from "../client/connection.ts";
import type { ConnectionEnd } from "../client/connection-end.ts";
import type { Dialled, Place } from "../client/redial.ts";
import { Refusal as DialRefusal, isFinalStatus } from "../client/refusal.ts";
import type { AttachedMessage, ClientView } from "../wire/codec.ts";
import { nativeSubprotocol, sharePrefix, ticketPrefix } from "../wire/index.ts";
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
      /** The place that the page had before a reload: to take it, because the command may wait for it. */
      readonly client?: string | undefined;
      readonly reason?: string | undefined;
      readonly keepMs: number;
    }
  | { readonly kind: "share"; readonly session: string; readonly secret: string };

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
 * Joins a terminal to a session, over as many sockets as it takes.
 * @throws Refusal when the gateway does not want it
 */
export async function openLink(base: string, api: Api, wanted: Wanted, terminal: TerminalView, events: LinkEvents): Promise<Link> {
  const dialer = wanted.kind === "share" ? shareDialer(base, wanted) : ticketDialer(base, api, wanted, terminal);
  return joinTerminal(await dialer.first(), dialer.again, isViewer(wanted), terminal, events);
}

/** Whether it is only watched: the size is then the session's, and nothing is typed. */
export function isViewer(wanted: Wanted): boolean {
  return wanted.kind === "share" || (wanted.kind === "attach" && wanted.role === "viewer");
}

interface Dialer {
  first(): Promise<Dialled>;
  again(place: Place): Promise<Dialled>;
}

/** Of a WebSocket that is refused a page learns only that it failed, so that each is asked leave for first. */
function ticketDialer(base: string, api: Api, wanted: Exclude<Wanted, { kind: "share" }>, terminal: TerminalView): Dialer {
  const dial = async (body: object, path: string): Promise<Dialled> => {
    const { ticket } = await api.post<{ ticket: string }>("v1/tickets", body);
    return { socket: new WebSocket(socketUrl(base, path), [nativeSubprotocol, ticketPrefix + ticket]) };
  };
  return {
    first: () =>
      wanted.kind === "exec"
        ? dial({ exec: { ...execOf(wanted), ...terminal.size, tty: true, flow: "ack" } }, "v1/exec")
        : dial({ attach: attachOf(wanted) }, `v1/sessions/${wanted.session}/attach`).catch((cause: unknown) => {
            if (wanted.client === undefined || !(cause instanceof Refusal) || cause.code !== "CLIENT_NOT_FOUND") throw cause;
            return dial({ attach: attachOf({ ...wanted, client: undefined }) }, `v1/sessions/${wanted.session}/attach`);
          }),
    async again({ session, client, offset }) {
      const who = isViewer(wanted) ? { role: "viewer" } : { client };
      try {
        return await dial({ attach: { session, offset, flow: "ack", ...who } }, `v1/sessions/${session}/attach`);
      } catch (cause) {
        throw cause instanceof Refusal ? new DialRefusal(cause.code, cause.message, isFinalStatus(cause.status)) : cause;
      }
    },
  };
}

/** The secret is all that whoever has the link has; there is nobody to ask for a ticket. */
function shareDialer(base: string, { session, secret }: Extract<Wanted, { kind: "share" }>): Dialer {
  const dial = (query: string): Promise<Dialled> => {
    const url = socketUrl(base, `v1/sessions/${encodeURIComponent(session)}/attach?role=viewer&flow=ack${query}`);
    return Promise.resolve({ socket: new WebSocket(url, [nativeSubprotocol, sharePrefix + secret]) });
  };
  return { first: () => dial(""), again: ({ offset }) => dial(`&offset=${offset}`) };
}

function joinTerminal(
  first: Dialled,
  dial: (place: Place) => Promise<Dialled>,
  isWatched: boolean,
  terminal: TerminalView,
  events: LinkEvents,
): Link {
  const count = new ParsedCount((bytes) => connection.ack(bytes));
  let isAnothersSize = true;
  // Of several who write, the one who types has the size; the session may have been begun in another window, too.
  const claimSize = (): void => {
    if (isAnothersSize) connection.resize(terminal.size.cols, terminal.size.rows);
    isAnothersSize = false;
  };
  const handlers: ConnectionHandlers = {
    attached(message) {
      count.begin(message.offset, message.ackWindow);
      if (isWatched) terminal.resize(message);
      else claimSize();
      events.attached(message);
    },
    gap(from, to) {
      count.skipTo(to);
      events.gap(to - from);
    },
    resized(cols, rows) {
      if (isWatched) terminal.resize({ cols, rows });
      else isAnothersSize = true;
    },
    clients: (clients) => events.clients(clients),
    lost: () => events.lost(),
    output({ bytes }) {
      const parsed = count.receive(bytes.byteLength);
      events.output();
      const written = terminal.write(bytes).then(parsed);
      return count.unparsed > unparsedBytesMax ? written : undefined;
    },
  };
  const connection: Connection = connect(first, handlers, { resume: { dial, withinMs: patienceMs } });
  const renew = (): void => connection.renew();
  // Nobody is to wait for a page that goes; whoever comes back attaches anew.
  const leave = (): void => connection.detach();
  addEventListener("online", renew);
  addEventListener("pagehide", leave);
  const send = (bytes: Uint8Array): void => {
    claimSize();
    void connection.write(bytes);
  };
  const input = isWatched ? undefined : terminal.onInput(send);
  const resize = isWatched ? undefined : terminal.onResize(({ cols, rows }) => connection.resize(cols, rows));
  const ended = connection.ended.finally(() => {
    removeEventListener("online", renew);
    removeEventListener("pagehide", leave);
    input?.();
    resize?.();
  });
  return { ended, detach: () => connection.detach() };
}

function execOf({ target, reason, keepMs }: Extract<Wanted, { kind: "exec" }>) {
  return { target, keepMs, ...(reason !== undefined && { reason }) };
}

function attachOf({ session, role, client, reason }: Extract<Wanted, { kind: "attach" }>) {
  const place = client === undefined || role === "viewer" ? {} : { client };
  return { session, role, flow: "ack", ...place, ...(reason !== undefined && { reason }) };
}

function socketUrl(base: string, path: string): URL {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}
