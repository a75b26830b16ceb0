import type http from "node:http";
import type https from "node:https";
import type { Socket } from "node:net";
import type { Descriptors } from "../exec/descriptors.ts";

/** How long a connection that lives on the reserve may say nothing, milliseconds. */
const silentMsMax = 1000;

/**
 * Counts connections among the descriptors. When these are short, connections that carry no request make way, and a new
 * one is to say soon what it wants. When even the reserve is in use, the one that has said nothing for the longest makes
 * way for the newest, which is who may be about to say something: nobody waits in vain.
 */
export function countConnections(server: http.Server | https.Server, descriptors: Descriptors): void {
  const silent = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    descriptors.take(1);
    socket.once("close", () => descriptors.giveBack(1));
    if (!descriptors.isShort) return;
    server.closeIdleConnections();
    silent.add(socket);
    const cutOff = setTimeout(() => cut(socket), silentMsMax);
    socket.once("close", () => {
      silent.delete(socket);
      clearTimeout(cutOff);
    });
    if (descriptors.isOut) ([...silent].find((one) => one.bytesRead === 0 && !one.destroyed) ?? socket).destroy();
  });
}

function cut(socket: Socket): void {
  if (socket.bytesRead === 0) socket.destroy();
}
