import { nativeSubprotocol, ticketPrefix } from "../wire/index.ts";
import type { Dialled } from "./redial.ts";
import { isFinalStatus, Refusal } from "./refusal.ts";
import type { WebSocketLike } from "./web-socket.ts";

/** Where the gateway is, and who asks. */
export interface Gateway {
  /** http or https; a path is the gateway's base path. Default in a page: the page's own address. */
  readonly url?: string | URL | undefined;
  /** Undefined where somebody else says who it is, such as a proxy. */
  readonly token?: string | undefined;
}

/** What makes a WebSocket: the browser's own class, or that of `ws`. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** Asks for a ticket, which tells why where a WebSocket could not, and opens `path` by it. @throws Refusal */
export async function dialByTicket(
  gateway: Gateway,
  path: string,
  purpose: { readonly exec: object } | { readonly attach: object },
  WebSocket: WebSocketClass,
): Promise<Dialled> {
  const { ticket } = (await send(gateway, "POST", "v1/tickets", purpose)) as { readonly ticket: string };
  const url = urlOf(gateway, path);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return { socket: new WebSocket(url.href, [nativeSubprotocol, ticketPrefix + ticket]) };
}

/** Asks the gateway's HTTP API. @throws Refusal */
export async function send(gateway: Gateway, method: string, path: string, body?: object): Promise<unknown> {
  const headers: Record<string, string> = {
    ...(gateway.token !== undefined && { authorization: `Bearer ${gateway.token}` }),
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  const init = { method, headers, redirect: "error", ...(body !== undefined && { body: JSON.stringify(body) }) } as const;
  const answer = await fetch(urlOf(gateway, path), init).catch((cause: Error) => {
    throw new Refusal("", `The gateway cannot be reached: ${cause.message}`, false);
  });
  const said = (await answer.json().catch(() => undefined)) as Readonly<Record<string, unknown>> | undefined;
  if (answer.ok) return said;
  const text = said?.detail ?? said?.title ?? `The server answered ${answer.status}.`;
  throw new Refusal(String(said?.code ?? ""), String(text), isFinalStatus(answer.status));
}

function urlOf({ url }: Gateway, path: string): URL {
  const base = new URL(url ?? document.baseURI);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return new URL(path, base);
}
