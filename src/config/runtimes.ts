import { type Static, Type } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";
import { flag, optionalSection, path, section, text, texts, userId } from "./fields.ts";
import { validateEntry } from "./validate.ts";

/** What may be said of a runtime, by its kind. */
const kinds = {
  host: section({
    user: Type.Optional(text("a user's name")),
    dynamicUsers: section({ first: userId(1_900_000_000), last: userId(1_900_009_999) }),
    usersAllowed: texts("a user's name"),
    noNewPrivileges: flag(true),
  }),
  docker: section({
    socket: Type.Optional(path()),
    host: Type.Optional(Type.String({ pattern: "^tcp://[^/@?#]+$", expected: "tcp://host:port" })),
    tls: optionalSection({ certFile: path(), keyFile: path(), caFile: path() }),
  }),
  kubernetes: section({
    kubeconfig: Type.Optional(path()),
    context: Type.Optional(text("a context of the kubeconfig")),
    namespaces: texts("a namespace, or * for all"),
  }),
  containerd: section({
    socket: path("/run/containerd/containerd.sock"),
    namespaces: texts("a namespace of containerd", ["default", "k8s.io"]),
    fifoDir: path("/run/execgate/fifo"),
  }),
};

type Kind = keyof typeof kinds;

/** A runtime that is to be: its name is the first part of target ids. */
export type RuntimeConfig = {
  readonly [K in Kind]: { readonly name: string; readonly kind: K; readonly options: Readonly<Static<(typeof kinds)[K]>> };
}[Kind];

/** `runtimes` as it stands in the file: what an entry may say, its kind decides. */
export const runtimesSchema = Type.Unsafe<Readonly<Record<string, Readonly<Record<string, unknown>> | null>>>({
  type: "object",
  patternProperties: { "": { type: ["object", "null"], expected: "a section" } },
  default: {},
  expected: "a section",
});

/** What flags say of runtimes. */
export interface RuntimeFlags {
  /** Kinds that are to be on with their defaults. */
  readonly runtimes: readonly string[];
  readonly hostUser: string | undefined;
}

/**
 * Every runtime that is on, the host first: those of the file, and those that a flag asks for.
 * @throws ConfigError naming the key path
 */
export function readRuntimes(file: Static<typeof runtimesSchema>, flags: RuntimeFlags): readonly RuntimeConfig[] {
  const asked = flags.runtimes.map((name) => [kindOf("--runtime", name), {}]);
  const { host, ...others }: typeof file = { ...Object.fromEntries(asked), ...file };
  const user = flags.hostUser === undefined ? {} : { user: flags.hostUser };
  return [readRuntime("host", { ...host, ...user }), ...Object.entries(others).map(([name, entry]) => readRuntime(name, entry ?? {}))];
}

function readRuntime(name: string, entry: Readonly<Record<string, unknown>>): RuntimeConfig {
  const at = `runtimes.${name}`;
  checkName(at, name);
  const { kind: named = name, ...given } = entry;
  const kind = kindOf("kind" in entry ? `${at}.kind` : at, named);
  if ((kind === "host") !== (name === "host")) throw new ConfigError(`${at}.kind: the kind host and the name host belong together`);
  const runtime = { name, kind, options: validateEntry("runtimes", name, kinds[kind], given) } as RuntimeConfig;
  if (runtime.kind === "host") checkDynamicUsers(runtime.options.dynamicUsers);
  if (runtime.kind === "docker") checkAddress(at, runtime.options);
  return Object.freeze(runtime);
}

function kindOf(at: string, name: unknown): Kind {
  if (typeof name === "string" && Object.hasOwn(kinds, name)) return name as Kind;
  throw new ConfigError(`${at}: expected a kind of runtime (${Object.keys(kinds).join(", ")}), got ${JSON.stringify(name)}`);
}

/** A name is the part of a target's id before the colon, and a word in globs and metrics. */
function checkName(at: string, name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return;
  throw new ConfigError(`${at}: expected a name of letters, digits and . _ -, at most 64`);
}

function checkDynamicUsers({ first, last }: { first: number; last: number }): void {
  if (last < first) throw new ConfigError(`runtimes.host.dynamicUsers.last: expected a user's number from first (${first}), got ${last}`);
}

function checkAddress(at: string, { socket, host, tls }: { socket?: string; host?: string; tls?: object }): void {
  if (host === undefined && tls !== undefined) throw new ConfigError(`${at}.tls: there is no TLS on a socket; it goes with host`);
  if (host === undefined) return;
  if (socket !== undefined) throw new ConfigError(`${at}.host: expected either socket or host`);
  if (!URL.canParse(host)) throw new ConfigError(`${at}.host: expected tcp://host:port, got ${JSON.stringify(host)}`);
}
