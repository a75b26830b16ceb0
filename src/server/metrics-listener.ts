import http from "node:http";
import type { Address } from "../address.ts";
import { ExecgateError, toExecgateError } from "../errors.ts";
import { answerClientError } from "./client-error.ts";
import type { MetricsPort } from "./deps.ts";
import { problemOf } from "./problem.ts";

const methods: readonly (string | undefined)[] = ["GET", "HEAD"];

/** Opens the listener that gives the metrics to whoever can reach it, and nothing else. @returns what closes it */
export async function openMetricsListener(address: Address, metrics: MetricsPort): Promise<{ url: string; close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    render(request, metrics).then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      (cause: unknown) => {
        const problem = problemOf(toExecgateError(cause));
        response.writeHead(problem.status, { "content-type": "application/problem+json", allow: methods.join(", ") });
        response.end(JSON.stringify(problem));
      },
    );
  });
  server.on("clientError", answerClientError);
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

/** @throws NOT_FOUND and METHOD_NOT_ALLOWED for what is asked beside the metrics */
async function render({ method, url }: http.IncomingMessage, metrics: MetricsPort): Promise<string> {
  if (url?.split("?")[0] !== "/metrics") throw new ExecgateError("NOT_FOUND", "This listener has /metrics and nothing else.");
  if (methods.includes(method)) return await metrics.render();
  throw new ExecgateError("METHOD_NOT_ALLOWED", `/metrics answers ${methods.join(", ")}, not ${method}.`);
}
