import { type IncomingMessage, request as requestOverHttp } from "node:http";
import { request as requestOverTls } from "node:https";
import { ExecgateError } from "../../errors.ts";
import type { Cluster } from "./cluster.ts";
import { brokenBy, readBeginning, refusalOf } from "./refusal.ts";

/** A page of pods has some MiB; more than this is no page of pods. */
const answerBytesMax = 64 * 1024 * 1024;

/** A pod is at most 1.5 MiB to its cluster; a longer line tells of none. */
const lineBytesMax = 4 * 1024 * 1024;

/**
 * Asks the API server for one JSON object. Redirects are refused, not followed: they would carry the gateway's credentials
 * to wherever they point. The library's own requests follow them, and have neither a deadline nor a bound.
 * @param path with its query, below the server's URL
 * @throws TARGET_NOT_FOUND on 404, OVERLOADED on 429, else RUNTIME_UNAVAILABLE; the signal's reason when it aborts
 */
export async function get(cluster: Cluster, path: string, signal?: AbortSignal): Promise<unknown> {
  const deadline = AbortSignal.timeout(cluster.answerMs);
  try {
    return await readJson(await answerOf(cluster, path, signal === undefined ? deadline : AbortSignal.any([signal, deadline])));
  } catch (cause) {
    throw meant(cause, cluster, deadline, signal);
  }
}

/** What is followed cannot be told from where it was: it has to be asked for anew. */
export class LostPlace extends ExecgateError {
  constructor(message: string, cause?: unknown) {
    super("RUNTIME_UNAVAILABLE", message, {}, { cause });
  }
}

/**
 * Asks the API server for JSON objects that come one a line for as long as it tells them.
 * @param begun called when it has begun to answer
 * @throws what `get` throws, at any time; LostPlace on 410, and for a line that cannot be read
 */
export async function* follow(cluster: Cluster, path: string, signal: AbortSignal, begun: () => void): AsyncGenerator<unknown> {
  const late = new AbortController();
  const deadline = setTimeout(() => late.abort(), cluster.answerMs);
  try {
    const response = await answerOf(cluster, path, AbortSignal.any([signal, late.signal]));
    clearTimeout(deadline);
    begun();
    for await (const line of linesOf(response)) yield parseLine(line);
  } catch (cause) {
    throw meant(cause, cluster, late.signal, signal);
  } finally {
    clearTimeout(deadline);
  }
}

/** What is thrown for what went wrong. */
function meant(cause: unknown, { answerMs }: Cluster, deadline: AbortSignal, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (cause instanceof ExecgateError) return cause;
  if (deadline.aborted) return new ExecgateError("RUNTIME_UNAVAILABLE", `The API server did not answer within ${answerMs / 1000} s.`);
  return brokenBy(cause as Error);
}

/** The answer that has what was asked for. @throws what another one means */
async function answerOf(cluster: Cluster, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const response = await send(cluster, path, signal);
  if (response.statusCode === 200) return response;
  const refusal = refusalOf(response.statusCode ?? 0, await readBeginning(response), response.headers);
  throw response.statusCode === 410 ? new LostPlace(refusal.message) : refusal;
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

async function* linesOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    let from = 0;
    for (let to = part.indexOf(newline); to >= 0; to = part.indexOf(newline, from)) {
      yield Buffer.concat([...begun, part.subarray(from, to)]);
      [begun, bytes, from] = [[], 0, to + 1];
    }
    begun.push(part.subarray(from));
    bytes += part.length - from;
    if (bytes > lineBytesMax) throw new LostPlace("A line of the API server's answer is too long to be one.");
  }
}

const newline = 0x0a;

/** Behind a line that cannot be read nobody knows what else was not. */
function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch (cause) {
    throw new LostPlace("A line of the API server's answer is no JSON.", cause);
  }
}
