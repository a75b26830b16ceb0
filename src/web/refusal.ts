/** Why a connection was not let in. */
export interface Refusal {
  /** The token is not good: another one has to be asked for. */
  readonly badToken: boolean;
  readonly message: string;
}

/** Answers to the question itself, which say nothing about the session. */
const beside: ReadonlySet<unknown> = new Set(["BAD_REQUEST", "NOT_FOUND", "METHOD_NOT_ALLOWED"]);

/**
 * Asks over HTTP why a WebSocket failed, of which a page learns only that it did. First whether the gateway is there
 * and knows the token; then, with a ticket that is never used, whether it would let this very session in.
 */
export async function explainRefusal(base: string, token: string, exec: Readonly<Record<string, unknown>>): Promise<Refusal> {
  const headers = { authorization: `Bearer ${token}` };
  try {
    const info = await fetch(new URL("v1/info", base), { headers, cache: "no-store", redirect: "error" });
    if (!info.ok) return refusalOf(info, await readProblem(info));
    const ticket = await fetch(new URL("v1/tickets", base), {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ exec }),
      redirect: "error",
    });
    const problem = ticket.ok ? undefined : await readProblem(ticket);
    if (problem !== undefined && !beside.has(problem.code)) return refusalOf(ticket, problem);
    return { badToken: false, message: "the connection could not be opened; something in between may stop WebSockets" };
  } catch {
    return { badToken: false, message: "the gateway cannot be reached" };
  }
}

type Problem = Readonly<Record<string, unknown>>;

async function readProblem(answer: Response): Promise<Problem> {
  try {
    const problem: unknown = await answer.json();
    return typeof problem === "object" && problem !== null ? (problem as Problem) : {};
  } catch {
    return {};
  }
}

function refusalOf(answer: Response, { detail, title }: Problem): Refusal {
  const text = [detail, title].find((candidate) => typeof candidate === "string" && candidate !== "") ?? `status ${answer.status}`;
  const wait = answer.headers.get("retry-after") ?? "";
  const again = /^\d+$/.test(wait) ? `; try again in ${wait} s` : "";
  return { badToken: answer.status === 401, message: `refused: ${String(text).replace(/\.$/, "")}${again}` };
}
