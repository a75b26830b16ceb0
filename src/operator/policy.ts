import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Verb } from "../access/principal.ts";
import { ConfigError } from "../config/config-error.ts";
import { type Config, loadConfig } from "../config.ts";
import type { ExecMode } from "../exec/request.ts";
import type { OperatorCommand } from "./index.ts";
import type { OperatorIo } from "./io.ts";
import { configStatus, OperatorError } from "./operator-error.ts";
import { type Explanation, explain, type Supposed } from "./policy-explanation.ts";

const usage = `execgate policy check FILE
execgate policy explain --config FILE --as user:NAME [--group GROUP]… --target TARGET [--label NAME=VALUE]…
                        [--verb exec|attach|view|kill] [--mode sync|interactive] [--user USER] [--env NAME]… [--timeout-ms N] [--reason TEXT] [-- COMMAND…]`;

const verbs: readonly Verb[] = ["exec", "attach", "view", "kill"];
const modes: readonly ExecMode[] = ["sync", "interactive"];

const explainOptions = {
  config: { type: "string" },
  as: { type: "string" },
  group: { type: "string", multiple: true },
  target: { type: "string" },
  label: { type: "string", multiple: true },
  verb: { type: "string" },
  mode: { type: "string" },
  user: { type: "string" },
  env: { type: "string", multiple: true },
  "timeout-ms": { type: "string" },
  reason: { type: "string" },
} as const satisfies ParseArgsConfig["options"];

/** `execgate policy`: what a file allows, and by which rule. */
export const policy: OperatorCommand = {
  usage,
  async run([action, ...args], io) {
    if (action === "check") return checkFile(args, io);
    if (action === "explain") return explainRequest(args, io);
    throw new OperatorError(`policy: expected check or explain, got ${action}`);
  },
};

/** Reads the whole file as a start would. */
function checkFile(args: readonly string[], io: OperatorIo): number {
  const { positionals } = readArguments(args, {});
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new OperatorError("policy check: expected one file");
  const config = readConfig(file);
  const what =
    config.policy === undefined ? "there is no policy section: whoever is authenticated may do everything" : "the policy is well formed";
  io.stdout.write(`${file}: ${what}\n`);
  return 0;
}

function explainRequest(args: readonly string[], io: OperatorIo): number {
  const end = args.indexOf("--");
  const { values, positionals } = readArguments(end < 0 ? args : args.slice(0, end), explainOptions);
  if (positionals.length > 0) throw new OperatorError(`put -- before the command: -- ${positionals.join(" ")}`);
  const { config: file, as: subject, target } = values;
  if (file === undefined || subject === undefined || target === undefined) {
    throw new OperatorError("policy explain: --config, --as and --target are needed");
  }
  if (!/^user:./.test(subject)) throw new OperatorError(`--as: expected user:NAME, got ${subject}; groups are given by --group`);
  const supposed: Supposed = {
    subject,
    groups: (values.group ?? []).map((group) => group.replace(/^group:/, "")),
    target,
    labels: Object.fromEntries((values.label ?? []).map(readLabel)),
    verb: oneOf("--verb", verbs, values.verb ?? "exec"),
    mode: oneOf("--mode", modes, values.mode ?? "sync"),
    command: end < 0 ? [] : args.slice(end + 1),
    user: values.user,
    env: (values.env ?? []).map((pair) => pair.split("=")[0] ?? ""),
    timeoutMs: readTimeout(values["timeout-ms"]),
    reason: values.reason,
  };
  const { isAllowed, lines }: Explanation = explain(readConfig(file), supposed, Date.now());
  io.stdout.write(`${lines.join("\n")}\n`);
  return isAllowed ? 0 : 1;
}

function readLabel(pair: string): [name: string, value: string] {
  const equals = pair.indexOf("=");
  if (equals < 1) throw new OperatorError(`--label: expected NAME=VALUE, got ${pair}`);
  return [pair.slice(0, equals), pair.slice(equals + 1)];
}

/** Undefined for what a request without the field would get. */
function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new OperatorError(`--timeout-ms: expected a whole number of milliseconds, got ${text}`);
}

function oneOf<T extends string>(flag: string, allowed: readonly T[], given: string): T {
  const found = allowed.find((value) => value === given);
  if (found === undefined) throw new OperatorError(`${flag}: expected one of ${allowed.join(", ")}, got ${given}`);
  return found;
}

function readArguments<O extends NonNullable<ParseArgsConfig["options"]>>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (cause) {
    throw new OperatorError(cause instanceof Error ? (cause.message.split(/\.\s/)[0] ?? "") : String(cause));
  }
}

function readConfig(file: string): Config {
  try {
    return loadConfig({ argv: ["--config", file], env: {} });
  } catch (cause) {
    if (cause instanceof ConfigError) throw new OperatorError(cause.message, configStatus);
    throw cause;
  }
}
