import { type ParseArgsConfig, parseArgs } from "node:util";
import { ClientError } from "./client-error.ts";
import { endpointOptions } from "./endpoint.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

type Parsed<Own extends Options> = ReturnType<
  typeof parseArgs<{ options: typeof endpointOptions & Own; strict: true; allowPositionals: true }>
>;

/** The flags of a command that takes nothing else. @throws ClientError for what is no flag, too */
export function parseFlagsAlone<const Own extends Options>(args: readonly string[], own: Own): Parsed<Own>["values"] {
  const { values, positionals } = parseFlags(args, own);
  if (positionals.length > 0) throw new ClientError(`${positionals[0]}: this command takes flags only; execgate help lists them`);
  return values;
}

/** The flags of a command beside those of every command that asks a gateway. @throws ClientError for a flag that is not known */
export function parseFlags<const Own extends Options>(args: readonly string[], own: Own): Parsed<Own> {
  const options = { ...endpointOptions, ...own };
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (cause) {
    throw new ClientError(cause instanceof Error ? (cause.message.split(/\.\s/)[0] ?? "") : String(cause), { cause });
  }
}
