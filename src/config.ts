import { homedir } from "node:os";
import { join } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { AuthSettings } from "./access/authentication.ts";
import type { Policy } from "./access/policy/policy.ts";
import { type Address, defaultAddresses } from "./address.ts";
import { type AuditConfig, auditSchema, readAudit } from "./config/audit.ts";
import { authSchema, readAuth } from "./config/auth.ts";
import { behindProxySchema, type ProxySettings, readBehindProxy } from "./config/behind-proxy.ts";
import { ConfigError } from "./config/config-error.ts";
import { optionalSection, path, section, text, texts } from "./config/fields.ts";
import { type ReadFile, readYaml } from "./config/file.ts";
import { holdDefaults, limitsSchema } from "./config/limits.ts";
import { readAddress, readMetricsListen, refuseOpenAddress } from "./config/listen.ts";
import { readOwnerToken } from "./config/owner-token.ts";
import { policySchema, readPolicy } from "./config/policy.ts";
import { probesSchema, readProbes } from "./config/probes.ts";
import { recordingSchema } from "./config/recording.ts";
import { type RuntimeConfig, readRuntimes, runtimesSchema } from "./config/runtimes.ts";
import { checkTracing, tracingSchema } from "./config/tracing.ts";
import { validate } from "./config/validate.ts";
import type { ProbeDefinition } from "./probes/definition.ts";
import { type Static, Type } from "./typebox.ts";

/** The whole file; a section of more than a few keys has a file of its own in `config/`. */
const fileSchema = section({
  listen: Type.Optional(
    Type.Array(text("host:port, [v6]:port or unix:/path, with https:// in front for TLS"), {
      minItems: 1,
      expected: "a list of addresses",
    }),
  ),
  publicUrls: texts("an http or https URL"),
  allowedOrigins: texts("an origin such as https://app.example.com"),
  frameAncestors: texts("an origin such as https://app.example.com"),
  unixMode: Type.String({ pattern: "^0[0-7]{3}$", default: "0600", expected: 'the mode of a file, such as "0600"' }),
  behindProxy: behindProxySchema,
  tls: optionalSection({ certFile: path(), keyFile: path(), clientCaFile: Type.Optional(path()) }),
  auth: authSchema,
  runtimes: runtimesSchema,
  policy: policySchema,
  limits: limitsSchema,
  audit: auditSchema,
  recording: recordingSchema,
  probes: probesSchema,
  tracing: tracingSchema,
  metrics: section({ listen: Type.Optional(text("host:port")) }),
});

type FileConfig = Static<typeof fileSchema>;

/** Everything that can be set, validated and with its defaults: file, environment and flags in one. */
export interface Config
  extends Readonly<
    Omit<FileConfig, "listen" | "metrics" | "behindProxy" | "auth" | "policy" | "audit" | "unixMode" | "runtimes" | "probes">
  > {
  /** Undefined when there is none. */
  readonly file: ReadFile | undefined;
  readonly listen: readonly Address[];
  readonly metricsListen: Address | undefined;
  /** The mode of the sockets of `unix:` listeners. */
  readonly unixMode: number;
  /** Undefined when no proxy stands in front. */
  readonly behindProxy: ProxySettings | undefined;
  /** Those that are on, the host first. */
  readonly runtimes: readonly RuntimeConfig[];
  /** Undefined: the owner's token is all there is. */
  readonly auth: AuthSettings | undefined;
  /** Undefined: whoever is authenticated may do everything. */
  readonly policy: Policy | undefined;
  /** Undefined: nothing is audited. */
  readonly audit: AuditConfig | undefined;
  readonly probes: readonly ProbeDefinition[];
  /** The owner's token when the environment gives it; else, without an `auth` section, it is made and kept in `stateDir`. */
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
  const read = configFile === undefined ? undefined : readYaml(configFile);
  const file = validate(fileSchema, read?.value ?? {});
  // Each is read, also what another one beats.
  const given = [flags.listen, env.EXECGATE_LISTEN?.split(","), file.listen];
  const [addresses = defaultAddresses] = given.flatMap((texts) =>
    texts === undefined ? [] : [texts.map((text) => readAddress("listen", text))],
  );
  const behindProxy = readBehindProxy(file.behindProxy);
  for (const address of addresses) refuseOpenAddress("listen", address, file.auth !== undefined, behindProxy !== undefined);
  const metricsListen = readMetricsListen(file.metrics.listen);
  checkUrls(file);
  checkTracing(file.tracing);
  const runtimes = readRuntimes(file.runtimes, { runtimes: flags.runtime ?? [], hostUser: flags["host-user"] });
  const { metrics: _, auth, policy, audit, unixMode, probes, ...rest } = file;
  return Object.freeze({
    ...rest,
    limits: holdDefaults(file.limits),
    file: read?.file,
    listen: addresses,
    metricsListen,
    unixMode: Number.parseInt(unixMode, 8),
    behindProxy,
    runtimes,
    auth: auth && readAuth(auth),
    policy: policy && readPolicy(policy),
    audit: audit && readAudit(audit),
    probes: readProbes(probes),
    token: readOwnerToken(env),
    stateDir: stateDir(env),
  });
}

/**
 * Reads it again for a gateway that was started by `before`.
 * @throws ConfigError also for a file that says nothing, which is rather about to be written than meant to allow everything,
 * and for an `auth` section that came or went, because with it the owner does
 */
export function reloadConfig(before: Config, sources: ConfigSources): Config {
  const config = loadConfig(sources);
  if (config.file?.isEmpty) throw new ConfigError(`${config.file.path}: there is nothing in it`);
  if ((config.auth === undefined) === (before.auth === undefined)) return config;
  throw new ConfigError(`auth: the section ${before.auth === undefined ? "is new" : "is gone"}; that takes a restart`);
}

/** The directory of the token and the self-signed certificate. A variable that is empty counts as not set, as XDG has it. */
export function stateDir(env: ConfigSources["env"]): string {
  return env.EXECGATE_STATE_DIR || join(env.XDG_STATE_HOME || join(env.HOME || homedir(), ".local", "state"), "execgate");
}

const flagOptions = {
  config: { type: "string" },
  listen: { type: "string", multiple: true },
  runtime: { type: "string", multiple: true },
  "host-user": { type: "string" },
} as const satisfies ParseArgsConfig["options"];

function readFlags(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flagOptions, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new ConfigError(cause instanceof Error ? cause.message : String(cause));
  }
}

/** A base path that begins so could not be told from what stands behind it. */
const ownPaths: readonly string[] = ["v1", "api", "apis", "version", "assets", "healthz", "readyz", "metrics", "openapi.json"];

function checkUrls(file: FileConfig): void {
  for (const [i, text] of file.publicUrls.entries()) {
    const { protocol, origin, pathname, href } = URL.canParse(text) ? new URL(text) : new URL("none:");
    if (!/^https?:$/.test(protocol)) {
      throw new ConfigError(`publicUrls.${i}: expected an http or https URL, got ${JSON.stringify(text)}`);
    }
    if (href !== origin + pathname) {
      throw new ConfigError(`publicUrls.${i}: expected an http or https URL without a user, query or fragment`);
    }
    const [, first] = pathname.split("/");
    if (first !== undefined && ownPaths.includes(first))
      throw new ConfigError(`publicUrls.${i}: the path /${first} is one of the gateway's own`);
  }
  for (const key of ["allowedOrigins", "frameAncestors"] as const) {
    for (const [i, text] of file[key].entries()) {
      const isOrigin = URL.canParse(text) && new URL(text).origin === text;
      if (!isOrigin) throw new ConfigError(`${key}.${i}: expected an origin such as https://app.example.com, got ${JSON.stringify(text)}`);
    }
  }
}
