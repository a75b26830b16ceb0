import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { ClientError } from "./client-error.ts";
import { type Endpoint, urlOf } from "./endpoint.ts";

/** How long an answer may keep silent: longer than the gateway takes to end a command by force. */
const answerMsMax = 60_000;
const answerBytesMax = 64 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  /** What was parsed; undefined for an answer that is no JSON. */
  readonly json: unknown;
}

/**
 * Asks the gateway.
 * @param path with its query
 * @param withinMs how long the answer may keep silent
 * @throws ClientError when it cannot be reached
 */
export async function ask(endpoint: Endpoint, method: string, path: string, withinMs = answerMsMax): Promise<Answer> {
  const [pathname = "", query = ""] = path.split("?");
  const url = urlOf(endpoint, pathname);
  url.search = query;
  const options: RequestOptions & { ca?: string } = {
    method,
    headers: endpoint.token === undefined ? {} : { authorization: `Bearer ${endpoint.token}` },
    agent: false,
    ...(endpoint.ca !== undefined && { ca: endpoint.ca }),
  };
  try {
    const response = await send(url, { ...options, timeout: withinMs });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > answerBytesMax) throw new Error("the answer is too large");
      chunks.push(chunk);
    }
    return { status: response.statusCode ?? 0, json: parse(Buffer.concat(chunks).toString("utf8")) };
  } catch (cause) {
    const what = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : cause;
    throw new ClientError(`cannot reach ${endpoint.url.origin}: ${what}`, { cause });
  }
}

/** The same for what must be answered with success. @throws ClientError with the code and the detail of a refusal */
export async function askFor(endpoint: Endpoint, method: string, path: string): Promise<unknown> {
  const { status, json } = await ask(endpoint, method, path);
  if (status >= 200 && status < 300) return json;
  throw new ClientError(refusalText(status, json));
}

/** What an answer says of a refusal, in one line. */
export function refusalText(status: number, json: unknown): string {
  const { code, detail, title } = (typeof json === "object" && json !== null ? json : {}) as Readonly<Record<string, unknown>>;
  const why = detail ?? title;
  return typeof code === "string" && typeof why === "string" ? `${code}: ${why}` : `the server answered ${status}`;
}

function send(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options, resolve);
    sent.on("timeout", () => sent.destroy(new Error("no answer came")));
    sent.on("error", reject);
    sent.end();
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
