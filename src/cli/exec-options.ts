import type { ParseArgsConfig } from "node:util";
import { parseFlags } from "./arguments.ts";
import { ClientError } from "./client-error.ts";
import { parseDuration } from "./duration.ts";
import type { EndpointFlags } from "./endpoint.ts";

/** What `execgate exec` was asked for. */
export interface ExecOptions {
  readonly target: string;
  /** argv; empty for the target's login shell. */
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Each of the form `NAME=VALUE`. */
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly keepMs: number | undefined;
  /** Why, for a policy that wants to know. */
  readonly reason: string | undefined;
  readonly endpoint: EndpointFlags;
}

/** How long a terminal waits for a network that comes back, unless it is said. */
const terminalKeepMs = 300_000;

const options = {
  interactive: { type: "boolean", short: "i" },
  tty: { type: "boolean", short: "t" },
  env: { type: "string", multiple: true },
  cwd: { type: "string" },
  user: { type: "string" },
  timeout: { type: "string" },
  keep: { type: "string" },
  reason: { type: "string" },
} as const satisfies ParseArgsConfig["options"];

/**
 * Reads the arguments behind `exec`: flags and the target before `--`, the command behind it.
 * @throws ClientError saying what is wrong
 */
export function parseExecOptions(args: readonly string[]): ExecOptions {
  const end = args.indexOf("--");
  const { values, positionals } = parseFlags(end < 0 ? args : args.slice(0, end), options);
  const command = end < 0 ? [] : args.slice(end + 1);
  const [target = "host", extra] = positionals;
  if (extra !== undefined) throw new ClientError(`put -- before the command: execgate exec ${target} -- ${positionals.slice(1).join(" ")}`);
  const { interactive: stdin = false, tty = false, env = [], cwd, user, timeout, keep, reason, ...endpoint } = values;
  if (command.length === 0 && !stdin && !tty) throw new ClientError("name a command behind --, or ask for a shell by -it");
  const unnamed = env.find((pair) => pair.indexOf("=") < 1);
  if (unnamed !== undefined) throw new ClientError(`--env: expected NAME=VALUE, got ${unnamed}`);
  return {
    target,
    command,
    stdin,
    tty,
    env,
    cwd,
    user,
    reason,
    endpoint,
    timeoutMs: timeout === undefined ? undefined : parseDuration("--timeout", timeout),
    keepMs: keep === undefined ? (tty ? terminalKeepMs : undefined) : parseDuration("--keep", keep),
  };
}

/** The query of the WebSocket that `options` ask for; `size` is that of the local terminal, where there is one. */
export function execQuery(options: ExecOptions, size: { cols: number; rows: number } | undefined): URLSearchParams {
  const query = new URLSearchParams({ target: options.target });
  for (const argument of options.command) query.append("command", argument);
  query.append("tty", options.tty ? "1" : "0");
  query.append("stdin", options.stdin ? "1" : "0");
  // Output beyond a window is sent only when what came before was written, so that a slow reader here needs no pause of the socket.
  query.append("flow", "ack");
  for (const pair of options.env) query.append("env", pair);
  const { cwd, user, timeoutMs, keepMs, reason } = options;
  for (const [name, value] of Object.entries({ cwd, user, timeoutMs, keepMs, reason, ...(options.tty ? size : undefined) })) {
    if (value !== undefined) query.append(name, String(value));
  }
  return query;
}
