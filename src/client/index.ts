/** `execgate/client`: sessions of a gateway for programs, in Node and in browsers. */
import { type Client, createClient } from "./client.ts";
import type { WebSocketClass } from "./ticket.ts";

const client: Client = createClient(globalThis.WebSocket as WebSocketClass);

/** Runs a command without stdin. @throws Refusal */
export const exec: Client["exec"] = client.exec;
/** Runs a command or a shell to talk to. @throws Refusal */
export const open: Client["open"] = client.open;
/** Joins a session. @throws Refusal */
export const attach: Client["attach"] = client.attach;

export type { AttachOptions, ExecOptions, OpenOptions } from "./client.ts";
export type { ConnectionEnd } from "./connection-end.ts";
export type { Loss } from "./redial.ts";
export { Refusal } from "./refusal.ts";
export type { Session, SessionEvent } from "./session.ts";
