/** Why a connection was not let in. */
export interface Refusal {
  /** The token is not good: another one has to be asked for. */
  readonly badToken: boolean;
  readonly message: string;
}

/** Answers to the question itself, which say nothing about the session. */
const beside: ReadonlySet<unknown> = new Set(["BAD_REQUEST", "NOT_FOUND", "METHOD_NOT_ALLOWED"]);

/**
 * Asks over HTTP why a WebSocket failed, of which a page learns only that it did: whether the gateway is there and knows
 * the token, whether it would let this very session in (the ticket is never used), whether the target is there.
 */
export async function explainRefusal(
  base: string,
  token: string,
  exec: { readonly target: string; readonly [field: string]: unknown },
): Promise<Refusal> {
  const authorization = `Bearer ${token}`;
  const ticket = { method: "POST", headers: { authorization, "content-type": "application/json" }, body: JSON.stringify({ exec }) };
  const questions: readonly (readonly [string, RequestInit])[] = [
    ["v1/info", { headers: { authorization } }],
    ["v1/tickets", ticket],
    [`v1/targets?id=${encodeURIComponent(exec.target)}`, { headers: { authorization } }],
  ];
  try {
    for (const [path, init] of questions) {
      const answer = await fetch(new URL(path, base), { ...init, cache: "no-store", redirect: "error" });
      if (answer.ok) continue;
      const problem = await readProblem(answer);
      if (!beside.has(problem.code)) return refusalOf(answer, problem);
    }
  } catch {
    return { badToken: false, message: "the gateway cannot be reached" };
  }
  return { badToken: false, message: "the connection could not be opened; something in between may stop WebSockets" };
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
