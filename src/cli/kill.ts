import { failedStatus } from "../output-end.ts";
import { parseFlags } from "./arguments.ts";
import { ClientError } from "./client-error.ts";
import { findEndpoint } from "./endpoint.ts";
import { askFor } from "./http.ts";
import type { ClientIo } from "./io.ts";
import { visible } from "./table.ts";

/**
 * `execgate kill ID…`: ends sessions, each with all its processes, and says so when they are gone. Of several the others
 * are ended although one cannot be; the status is then 255.
 */
export async function kill(args: readonly string[], io: ClientIo): Promise<number> {
  const { values, positionals } = parseFlags(args, { json: { type: "boolean" } });
  if (positionals.length === 0) throw new ClientError("say execgate kill ID…; execgate sessions lists them");
  const endpoint = findEndpoint(values, io.env);
  let status = 0;
  for (const id of positionals) {
    try {
      const session = await askFor(endpoint, "DELETE", `/v1/sessions/${encodeURIComponent(id)}`);
      if (values.json === true) io.stdout.write(`${JSON.stringify(session)}\n`);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      io.stderr.write(`execgate: ${visible(id)}: ${error.message}\n`);
      status = failedStatus;
    }
  }
  return status;
}
