/** Why the gateway did not do what was asked, in its own words. */
export class Refusal extends Error {
  /** 0 when it could not be reached at all. */
  readonly status: number;
  readonly code: string;
  /** The field of the request that it is about. */
  readonly field: string | undefined;

  constructor(status: number, code: string, message: string, field?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** Where a token comes from: what is kept, or else what somebody is asked for. */
export interface TokenSource {
  /** Undefined also where somebody else may say who it is, as a proxy that asked the user to sign in. */
  current(): string | undefined;
  /** Resolves with another one, when `refused` was not accepted. */
  replace(refused: string | undefined): Promise<void>;
}

/** The gateway's HTTP API. Whoever calls is never told of a missing or bad token: it is asked for, and the request is made again. */
export interface Api {
  /** @throws Refusal */
  get<T>(path: string): Promise<T>;
  /** @throws Refusal */
  post<T>(path: string, body: object): Promise<T>;
  /** @throws Refusal */
  remove(path: string): Promise<void>;
  /** @throws Refusal */
  text(path: string): Promise<string>;
}

/** @param base the page's own address, which every request is relative to, so that a base path behind a proxy is kept */
export function createApi(base: string, tokens: TokenSource): Api {
  async function send(method: string, path: string, body?: object): Promise<Response> {
    const token = tokens.current();
    const headers: Record<string, string> = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const init: RequestInit = { method, headers, cache: "no-store", redirect: "error" };
    if (body !== undefined) init.body = JSON.stringify(body);
    const answer = await fetch(new URL(path, base), init).catch(() => {
      throw new Refusal(0, "UNREACHABLE", "the gateway cannot be reached");
    });
    if (answer.ok) return answer;
    if (answer.status !== 401) throw await refusalOf(answer);
    await tokens.replace(token);
    return await send(method, path, body);
  }
  return {
    get: async (path) => await (await send("GET", path)).json(),
    post: async (path, body) => await (await send("POST", path, body)).json(),
    text: async (path) => await (await send("GET", path)).text(),
    async remove(path) {
      await send("DELETE", path);
    },
  };
}

/** A proxy in between may answer in a form of its own. */
async function refusalOf(answer: Response): Promise<Refusal> {
  const said = (await answer.json().catch(() => undefined)) as Readonly<Record<string, unknown>> | null | undefined;
  const { detail, title, code, field } = said ?? {};
  const text = [detail, title].find((candidate) => typeof candidate === "string" && candidate !== "") ?? `status ${answer.status}`;
  const wait = answer.headers.get("retry-after") ?? "";
  const again = /^\d+$/.test(wait) ? `; try again in ${wait} s` : "";
  const message = `${String(text).replace(/\.$/, "")}${again}`;
  return new Refusal(answer.status, String(code ?? "UNKNOWN"), message, typeof field === "string" ? field : undefined);
}
