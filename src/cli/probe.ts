import { parseFlags } from "./arguments.ts";
import { ClientError } from "./client-error.ts";
import { findEndpoint } from "./endpoint.ts";
import { ask, refusalText } from "./http.ts";
import type { ClientIo } from "./io.ts";
import { queryOf } from "./list.ts";
import { table } from "./table.ts";

interface Check {
  readonly target: string;
  readonly status: string;
  readonly exitCode?: number | null;
  readonly durationMs?: number;
  readonly output?: string;
}

/** `execgate probe NAME`: runs a declared probe; exit 0 when it passes, 1 when it does not. */
export async function probe(args: readonly string[], io: ClientIo): Promise<number> {
  const { values, positionals } = parseFlags(args, { json: { type: "boolean" }, target: { type: "string" } });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new ClientError("say execgate probe NAME");
  const path = `/v1/probes/${encodeURIComponent(name)}${queryOf({ target: values.target })}`;
  const { status, json } = await ask(findEndpoint(values, io.env), "GET", path);
  const answer = (typeof json === "object" && json !== null ? json : {}) as {
    readonly status?: string;
    readonly checks?: readonly Check[];
  };
  if ((status !== 200 && status !== 503) || !Array.isArray(answer.checks)) throw new ClientError(refusalText(status, json));
  if (values.json === true) io.stdout.write(`${JSON.stringify(json)}\n`);
  else {
    const rows = (answer.checks as readonly Check[]).map((check) => [
      check.status,
      check.target,
      String(check.exitCode ?? ""),
      check.durationMs === undefined ? "" : `${Math.round(check.durationMs)} ms`,
      (check.output ?? "").trim(),
    ]);
    io.stdout.write(table(["STATUS", "TARGET", "EXIT", "TOOK", "OUTPUT"], rows));
  }
  return answer.status === "pass" ? 0 : 1;
}
