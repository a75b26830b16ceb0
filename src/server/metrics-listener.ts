import http, { STATUS_CODES } from "node:http";
import type { Address } from "../address.ts";
import type { MetricsPort } from "./deps.ts";

/** Opens the listener that gives the metrics to whoever can reach it, and nothing else. @returns what closes it */
export async function openMetricsListener(address: Address, metrics: MetricsPort): Promise<{ url: string; close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    const isMetrics = request.method === "GET" && request.url?.split("?")[0] === "/metrics";
    if (!isMetrics) {
      response.writeHead(404, { "content-type": "text/plain" }).end(`${STATUS_CODES[404]}\n`);
      return;
    }
    metrics.render().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (address.kind === "unix") server.listen(address.path, resolve);
    else server.listen(address.port, address.host, resolve);
  });
  // A connection that could not be accepted is the reader's loss, and no reason to end.
  server.on("error", () => undefined);
  const bound = server.address();
  const port = bound !== null && typeof bound !== "string" ? bound.port : 0;
  return {
    url: address.kind === "unix" ? address.text : `http://${address.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
