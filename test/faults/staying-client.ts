/** A process of its own: a WebSocket client of the address it is given, which says when it is attached, answers pings, and stays. */
import { WebSocket } from "ws";

const [url = "", token = ""] = process.argv.slice(2);
const headers = { authorization: `Bearer ${token}` };
const ws = new WebSocket(url, "v1.execgate", { headers, rejectUnauthorized: false, perMessageDeflate: false });
ws.once("message", () => process.stdout.write("attached\n"));
ws.once("close", () => process.exit());
