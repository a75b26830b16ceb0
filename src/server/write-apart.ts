import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * Lets no two messages of a TLS connection share a record, as it is with API servers: the Python client of Kubernetes polls
 * the connection, and does not see a message that was decrypted together with the one before.
 */
export function writeApart(socket: Socket): void {
  // Without it a stream writes what waits piece by piece; Node takes it away like this from sockets that cannot do it.
  if (socket instanceof TLSSocket) Object.assign(socket, { _writev: null });
}
