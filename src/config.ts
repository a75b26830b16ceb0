import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { parse, YAMLParseError } from "yaml";
import { type Address, defaultAddresses, isLoopback, parseAddress } from "./address.ts";

/** A start that cannot be: the message names the key path, the process exits with 78. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const count = (fallback: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER) =>
  Type.Integer({ minimum, maximum, default: fallback, expected: minimum === 0 ? "a whole number" : `a whole number from ${minimum}` });
const path = () => Type.String({ minLength: 1, expected: "a path" });
const address = () => Type.String({ minLength: 1, expected: "host:port, [v6]:port or unix:/path, with https:// in front for TLS" });
const flag = (fallback: boolean) => Type.Boolean({ default: fallback, expected: "true or false" });
const texts = (what: string) =>
  Type.Array(Type.String({ minLength: 1, expected: what }), { default: [], expected: `a list, each ${what}` });
const section = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false, default: {}, expected: "a section" });

const limitsSchema = section({
  execTimeoutMsDefault: count(30_000),
  execTimeoutMsMax: count(86_400_000),
  outputBytesDefault: count(1_048_576, 0, 16_777_216),
  outputBytesMax: count(16_777_216, 0, 16_777_216),
  collectBytesTotal: count(268_435_456),
  replayBytes: count(1_048_576, 65_536),
  bodyBytesMax: count(1_048_576, 1024),
  drainMs: count(250),
  killGraceMs: count(0),
  idleMs: count(0),
  keepMsDefault: count(0),
  keepMsMax: count(86_400_000),
  shutdownMs: count(30_000),
  slowClientMs: count(60_000, 1),
  heartbeatMs: count(15_000, 1),
  sessionsMax: count(2000, 1),
  sessionsPerPrincipalMax: count(2000, 1),
  endedSessionsMax: count(1000),
  endedBytesMax: count(67_108_864),
});

const fileSchema = section({
  listen: Type.Optional(Type.Array(address(), { minItems: 1, expected: "a list of addresses" })),
  publicUrls: texts("an http or https URL"),
  allowedOrigins: texts("an origin such as https://app.example.com"),
  frameAncestors: texts("an origin such as https://app.example.com"),
  tls: Type.Optional(Type.Object({ certFile: path(), keyFile: path() }, { additionalProperties: false, expected: "a section" })),
  runtimes: section({
    host: section({
      user: Type.Optional(Type.String({ minLength: 1, expected: "a user's name" })),
      usersAllowed: texts("a user's name"),
      noNewPrivileges: flag(true),
    }),
  }),
  limits: limitsSchema,
  metrics: section({ listen: Type.Optional(Type.String({ minLength: 1, expected: "host:port" })) }),
});

type FileConfig = Static<typeof fileSchema>;

/** Everything that can be set, validated and with its defaults: file, environment and flags in one. */
export interface Config extends Readonly<Omit<FileConfig, "listen" | "metrics">> {
  readonly listen: readonly Address[];
  readonly metricsListen: Address | undefined;
  /** The owner's token when it is given from outside; else it is made and kept in `stateDir`. */
  readonly token: string | undefined;
  readonly stateDir: string;
}

/** Where settings come from beside the file. */
export interface ConfigSources {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the configuration: a flag beats the environment, the environment beats the file.
 * @throws ConfigError naming the key path, what was expected and what was there
 */
export function loadConfig({ argv, env }: ConfigSources): Config {
  const flags = readFlags(argv);
  const configFile = flags.config ?? env.EXECGATE_CONFIG;
  const file = validate(configFile === undefined ? {} : readYaml(configFile));
  if (flags["host-user"] !== undefined) file.runtimes.host.user = flags["host-user"];
  const listen = flags.listen ?? env.EXECGATE_LISTEN?.split(",") ?? file.listen;
  const addresses = listen?.map((text) => readAddress("listen", text)) ?? defaultAddresses;
  for (const address of addresses) refuseOpenAddress("listen", address);
  const metricsListen = readMetricsListen(file.metrics.listen);
  checkUrls(file);
  const { metrics: _, ...rest } = file;
  return Object.freeze({ ...rest, listen: addresses, metricsListen, token: readToken(env), stateDir: stateDir(env) });
}

/** The directory of the token and the self-signed certificate. A variable that is empty counts as not set, as XDG has it. */
export function stateDir(env: ConfigSources["env"]): string {
  return env.EXECGATE_STATE_DIR || join(env.XDG_STATE_HOME || join(env.HOME || homedir(), ".local", "state"), "execgate");
}

function readFlags(argv: readonly string[]) {
  try {
    const options = { config: { type: "string" }, listen: { type: "string", multiple: true }, "host-user": { type: "string" } } as const;
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new ConfigError(cause instanceof Error ? cause.message : String(cause));
  }
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"), { uniqueKeys: true, strict: true }) ?? {};
  } catch (cause) {
    const what = cause instanceof YAMLParseError ? cause.message : cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${file}: ${what}`);
  }
}

/** Checks what the file says before anything is filled in, so that a wrong value is named and never replaced by a default. */
function validate(given: unknown): FileConfig {
  const filled = Value.Default(fileSchema, Value.Clone(given));
  const [error] = Value.Errors(fileSchema, filled);
  if (error !== undefined) throw new ConfigError(explain(filled, error));
  return filled as FileConfig;
}

function explain(value: unknown, error: ReturnType<typeof Value.Errors>[number]): string {
  const keys = error.instancePath.split("/").slice(1);
  // What no property allows is refused by the schema `false` that stands for all others.
  if (error.keyword === "boolean") return `${keys.join(".")}: unknown key`;
  if (error.keyword === "required") {
    const { requiredProperties } = error.params as { requiredProperties: string[] };
    return `${[...keys, requiredProperties[0]].join(".")}: missing`;
  }
  const schema = keys.reduce<unknown>((at, key) => childSchema(at, key), fileSchema);
  const expected = (schema as { expected?: string } | undefined)?.expected ?? error.message;
  const got = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
  return `${keys.join(".") || "the file"}: expected ${expected}, got ${JSON.stringify(got)}`;
}

function childSchema(schema: unknown, key: string): unknown {
  const { properties, items } = (schema ?? {}) as { properties?: Record<string, unknown>; items?: unknown };
  return properties?.[key] ?? items;
}

function readAddress(key: string, text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) {
    throw new ConfigError(
      `${key}: expected host:port, [v6]:port or unix:/path, with https:// in front for TLS, got ${JSON.stringify(text)}`,
    );
  }
  return address;
}

function readMetricsListen(text: string | undefined): Address | undefined {
  const address = text === undefined ? undefined : readAddress("metrics.listen", text);
  if (address?.tls) throw new ConfigError(`metrics.listen: expected host:port or unix:/path, without TLS, got ${JSON.stringify(text)}`);
  return address;
}

/** What is open to other machines needs TLS and a configured identity; this gateway's only identity is the owner's token. */
function refuseOpenAddress(key: string, address: Address): void {
  if (address.kind === "unix" || isLoopback(address.host)) return;
  const message = `${key}: ${address.text} is not a loopback address, which needs TLS and an auth section; listen on 127.0.0.1 or [::1]`;
  throw new ConfigError(message);
}

function checkUrls(file: FileConfig): void {
  for (const [i, text] of file.publicUrls.entries()) {
    if (!/^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : "")) {
      throw new ConfigError(`publicUrls.${i}: expected an http or https URL, got ${JSON.stringify(text)}`);
    }
  }
  for (const key of ["allowedOrigins", "frameAncestors"] as const) {
    for (const [i, text] of file[key].entries()) {
      const isOrigin = URL.canParse(text) && new URL(text).origin === text;
      if (!isOrigin) throw new ConfigError(`${key}.${i}: expected an origin such as https://app.example.com, got ${JSON.stringify(text)}`);
    }
  }
}

function readToken(env: ConfigSources["env"]): string | undefined {
  const file = env.EXECGATE_TOKEN_FILE;
  const token = env.EXECGATE_TOKEN ?? (file === undefined ? undefined : readSecret(resolve(file)));
  if (token !== undefined && !/^[\x21-\x7e]{16,512}$/.test(token)) {
    throw new ConfigError("EXECGATE_TOKEN: expected 16 to 512 printable characters without spaces");
  }
  return token;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigError(`EXECGATE_TOKEN_FILE: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
