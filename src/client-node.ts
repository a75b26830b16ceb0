/** `execgate/client` in Node, whose older versions have no WebSocket of their own. */
import { WebSocket } from "ws";
import { type Client, createClient } from "./client/client.ts";

const client: Client = createClient(WebSocket);

/** Runs a command without stdin. @throws Refusal */
export const exec: Client["exec"] = client.exec;
/** Runs a command or a shell to talk to. @throws Refusal */
export const open: Client["open"] = client.open;
/** Joins a session. @throws Refusal */
export const attach: Client["attach"] = client.attach;

export type { AttachOptions, ConnectionEnd, ExecOptions, Loss, OpenOptions, Session, SessionEvent } from "./client/index.ts";
export { Refusal } from "./client/refusal.ts";
