import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { ClientError } from "./client-error.ts";
import type { ClientIo } from "./io.ts";

/** What a secret begins with, so that those who look for leaked ones know it. */
const prefix = "execgate_";

/**
 * `execgate token new NAME`: makes a secret of 256 bits and prints it, this once, and the line for the configuration that
 * knows it by its digest.
 * @throws ClientError for a name that cannot stand there
 */
export async function token(args: readonly string[], io: ClientIo): Promise<number> {
  const { name, groups, expires } = readArguments(args);
  const secret = prefix + randomBytes(32).toString("base64url");
  const sha256 = createHash("sha256").update(secret).digest("hex");
  const end = expires === undefined ? "" : `, expires: ${expires}`;
  io.stdout.write(`${secret}\n    - { id: ${JSON.stringify(name)}, sha256: "${sha256}", groups: ${JSON.stringify(groups)}${end} }\n`);
  io.stderr.write(
    "The first line is the secret, which is shown this once; the second goes below auth.tokens of the gateway's configuration.\n",
  );
  return 0;
}

function readArguments(args: readonly string[]) {
  const options = { groups: { type: "string" }, expires: { type: "string" } } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new ClientError(cause instanceof Error ? cause.message : String(cause));
  }
  const [verb, name, ...more] = parsed.positionals;
  if (verb !== "new" || name === undefined || more.length > 0)
    throw new ClientError("say execgate token new NAME [--groups A,B] [--expires DAY]");
  if (!/^[A-Za-z0-9._@-]{1,64}$/.test(name) || name === "owner") {
    throw new ClientError(`${JSON.stringify(name)} cannot name a token: take 1 to 64 letters, digits and . _ @ -, and not owner`);
  }
  const { groups = "", expires } = parsed.values;
  if (expires !== undefined && !isDay(expires)) throw new ClientError("--expires must be a day such as 2027-06-01");
  return { name, groups: groups.split(",").filter((group) => group !== ""), expires };
}

/** Whether the calendar has this day: the engine takes the 31st of a short month for the 1st of the next. */
function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
