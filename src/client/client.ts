import type { Place } from "./redial.ts";
import { createSession, type Session, type SessionOptions } from "./session.ts";
import { dialByTicket, type Gateway, send, type WebSocketClass } from "./ticket.ts";

/** What is common to every way to a session. */
export interface CommonOptions extends Gateway {
  /** Why, for policies that want to know. */
  readonly reason?: string | undefined;
  /** Called at once when the connection is lost, before it is dialled again. */
  readonly onLost?: SessionOptions["onLost"];
}

export interface ExecOptions extends CommonOptions {
  /** argv, never given to a shell. */
  readonly command: readonly string[];
  /** Default: `host` */
  readonly target?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
  /** Wall time from start, milliseconds; 0, the default, is none. */
  readonly timeoutMs?: number | undefined;
  /** How long the session outlives a lost connection, milliseconds. Default: 60000 */
  readonly keepMs?: number | undefined;
}

export interface OpenOptions extends Omit<ExecOptions, "command"> {
  /** Default: the target's login shell. */
  readonly command?: readonly string[] | undefined;
  /** Run on a terminal. Default: true without a command. */
  readonly tty?: boolean | undefined;
  /** The terminal's size. Default: 80 × 24 */
  readonly cols?: number | undefined;
  readonly rows?: number | undefined;
}

export interface AttachOptions extends CommonOptions {
  /** The session's id. */
  readonly session: string;
  /** A viewer only watches. Default: writer */
  readonly role?: "writer" | "viewer" | undefined;
  /** The first byte of output that is wanted. Default: the oldest that is kept */
  readonly offset?: number | undefined;
  /** How long a lost connection is tried to be made anew, milliseconds. Default: 60000 */
  readonly resumeMs?: number | undefined;
}

/** The library, by the WebSocket that the place it runs in has. */
export interface Client {
  /** Runs a command without stdin. @throws Refusal */
  exec(options: ExecOptions): Promise<Session>;
  /** Runs a command or a shell to talk to. @throws Refusal */
  open(options: OpenOptions): Promise<Session>;
  /** Joins a session. @throws Refusal */
  attach(options: AttachOptions): Promise<Session>;
}

const keepMsDefault = 60_000;

export function createClient(WebSocket: WebSocketClass): Client {
  const start = async (options: OpenOptions, stdin: boolean): Promise<Session> => {
    const { url, token, onLost, keepMs = keepMsDefault, timeoutMs = 0, command = [], tty = command.length === 0, ...rest } = options;
    const exec = { ...rest, command, tty, stdin, keepMs, timeoutMs, flow: "ack" };
    return await join({ url, token, onLost }, "v1/exec", { exec }, keepMs);
  };
  const join = async (
    options: CommonOptions,
    path: string,
    purpose: { exec: object } | { attach: object },
    withinMs: number,
  ): Promise<Session> => {
    const { reason } = options;
    const dial = ({ session, client, offset }: Place) =>
      dialByTicket(options, `v1/sessions/${session}/attach`, { attach: { session, client, offset, flow: "ack", reason } }, WebSocket);
    const kill = async (id: string): Promise<void> => void (await send(options, "DELETE", `v1/sessions/${id}`));
    return createSession(await dialByTicket(options, path, purpose, WebSocket), {
      resume: { dial, withinMs },
      onLost: options.onLost,
      kill,
    });
  };
  return {
    exec: (options) => start({ tty: false, ...options }, false),
    open: (options) => start(options, true),
    attach: ({ session, role = "writer", offset, resumeMs = keepMsDefault, ...options }) => {
      const attach = { session, role, offset, flow: "ack", reason: options.reason };
      // A viewer has no place to come back to: it is not awaited, and what it missed would be told as a gap.
      return join(options, `v1/sessions/${encodeURIComponent(session)}/attach`, { attach }, role === "viewer" ? 0 : resumeMs);
    },
  };
}
