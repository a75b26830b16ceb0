import { type IncomingMessage, request as requestOverHttp } from "node:http";
import { request as requestOverTls } from "node:https";
import { ExecgateError } from "../../errors.ts";
import type { Cluster } from "./cluster.ts";
import { brokenBy, readBeginning, refusalOf } from "./refusal.ts";

/** A page of pods has some MiB; more than this is no page of pods. */
const answerBytesMax = 64 * 1024 * 1024;

/** How long an answer may take. */
const answerMsMax = 10_000;

/**
 * Asks the API server for one JSON object. Redirects are refused, not followed: they would carry the gateway's credentials
 * to wherever they point. The library's own requests follow them, and have neither a deadline nor a bound.
 * @param path with its query, below the server's URL
 * @throws TARGET_NOT_FOUND on 404, OVERLOADED on 429, else RUNTIME_UNAVAILABLE; the signal's reason when it aborts
 */
export async function get(cluster: Cluster, path: string, signal?: AbortSignal): Promise<unknown> {
  const deadline = AbortSignal.timeout(answerMsMax);
  const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  try {
    const response = await send(cluster, path, either);
    if (response.statusCode !== 200) throw refusalOf(response.statusCode ?? 0, await readBeginning(response), response.headers);
    return await readJson(response);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof ExecgateError) throw cause;
    if (deadline.aborted) throw new ExecgateError("RUNTIME_UNAVAILABLE", `The API server did not answer within ${answerMsMax / 1000} s.`);
    throw brokenBy(cause as Error);
  }
}

async function send(cluster: Cluster, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const access = await cluster.access();
  const url = new URL(cluster.server + path);
  const request = url.protocol === "http:" ? requestOverHttp : requestOverTls;
  const headers = { ...access.headers, accept: "application/json" };
  const once = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const asking = request(url, { headers, ...(access.auth && { auth: access.auth }), agent: cluster.agentFor(access), signal });
      asking.once("response", resolve);
      asking.once("error", (error) => reject(asking.reusedSocket ? new StaleConnection(error) : error));
      asking.end();
    });
  try {
    return await once();
  } catch (error) {
    // A kept connection that the server closed meanwhile says nothing about the server; to read twice harms nobody.
    if (error instanceof StaleConnection && !signal.aborted) return await once();
    throw error;
  }
}

class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > answerBytesMax) throw new ExecgateError("RUNTIME_UNAVAILABLE", "The API server's answer is too large to be one.");
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch (cause) {
    throw new ExecgateError("RUNTIME_UNAVAILABLE", "The API server's answer is no JSON.", {}, { cause });
  }
}
