/** What the gateway says to somebody who wants a session: leave for one WebSocket, or why not. */
export type Admission =
  | { readonly kind: "admitted"; readonly ticket: string }
  /** With `badToken` another token has to be asked for. */
  | { readonly kind: "refused"; readonly badToken: boolean; readonly message: string };

/** The session that is wanted. */
export interface Wanted {
  readonly target: string;
  readonly reason?: string | undefined;
  readonly cols: number;
  readonly rows: number;
}

/**
 * Asks for a ticket: of a WebSocket that is refused a page learns only that it failed, and this answer tells why.
 * @param token undefined where somebody else may say who it is, as a proxy that asked the user to sign in
 */
export async function askTicket(base: string, token: string | undefined, wanted: Wanted): Promise<Admission> {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { ...authorization, "content-type": "application/json" };
  const body = JSON.stringify({ exec: { ...wanted, tty: true, keepMs: 0, flow: "ack" } });
  try {
    const answer = await fetch(new URL("v1/tickets", base), { method: "POST", headers, body, cache: "no-store", redirect: "error" });
    const said = await readObject(answer);
    if (answer.ok && typeof said.ticket === "string") return { kind: "admitted", ticket: said.ticket };
    return { kind: "refused", badToken: answer.status === 401, message: explain(answer, said) };
  } catch {
    return { kind: "refused", badToken: false, message: "the gateway cannot be reached" };
  }
}

async function readObject(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = await answer.json();
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function explain(answer: Response, { detail, title }: Readonly<Record<string, unknown>>): string {
  const text = [detail, title].find((candidate) => typeof candidate === "string" && candidate !== "") ?? `status ${answer.status}`;
  const wait = answer.headers.get("retry-after") ?? "";
  const again = /^\d+$/.test(wait) ? `; try again in ${wait} s` : "";
  return `refused: ${String(text).replace(/\.$/, "")}${again}`;
}
