import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ClientError } from "./client-error.ts";

const defaultServer = "http://127.0.0.1:8080";

/** Where the gateway is and how it is spoken to. */
export interface Endpoint {
  /** http or https; its path is the gateway's base path. */
  readonly url: URL;
  readonly token: string | undefined;
  /** The certificates to trust in place of the system's. */
  readonly ca: string | undefined;
}

export interface EndpointFlags {
  readonly server?: string | undefined;
  readonly "token-file"?: string | undefined;
  readonly "ca-file"?: string | undefined;
}

/** The flags of {@link EndpointFlags} for parseArgs: every command that asks the gateway has them. */
export const endpointOptions = {
  server: { type: "string" },
  "token-file": { type: "string" },
  "ca-file": { type: "string" },
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds the server and the token: a flag beats the environment, the environment beats the state directory.
 * @param fallback the server that nobody names
 * @throws ClientError for a server that is no URL or a file that cannot be read
 */
export function findEndpoint(flags: EndpointFlags, env: Environment, fallback = defaultServer): Endpoint {
  const caFile = flags["ca-file"];
  return {
    url: readUrl(flags.server ?? env.EXECGATE_SERVER ?? fallback),
    token: findToken(flags["token-file"], env),
    ca: caFile === undefined ? undefined : readText("--ca-file", caFile),
  };
}

/** The URL of `path` below the gateway's base path. */
export function urlOf(endpoint: Endpoint, path: string): URL {
  const url = new URL(endpoint.url);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  return url;
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new ClientError(`the server must be an http or https URL such as ${defaultServer}, not ${text}`);
  }
  url.search = "";
  url.hash = "";
  return url;
}

function findToken(file: string | undefined, env: Environment): string | undefined {
  if (file !== undefined) return checkToken(readText("--token-file", file));
  if (env.EXECGATE_TOKEN !== undefined) return checkToken(env.EXECGATE_TOKEN);
  if (env.EXECGATE_TOKEN_FILE !== undefined) return checkToken(readText("EXECGATE_TOKEN_FILE", env.EXECGATE_TOKEN_FILE));
  return stateToken(env);
}

/** The token that a gateway of this user on this machine made; without one the gateway says itself what it wants. */
function stateToken(env: Environment): string | undefined {
  const text = readState("token", env);
  return text === undefined ? undefined : checkToken(text);
}

/** A file that a gateway of this user on this machine made; undefined when there is none. */
export function readState(name: string, env: Environment): string | undefined {
  const stateHome = env.XDG_STATE_HOME ?? join(env.HOME ?? homedir(), ".local", "state");
  try {
    return readFileSync(join(env.EXECGATE_STATE_DIR ?? join(stateHome, "execgate"), name), "utf8");
  } catch {
    return undefined;
  }
}

/** @param source what named the file */
export function readText(source: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ClientError(`${source}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** A token goes into a header, where nothing but visible ASCII can stand; the message does not repeat it. */
function checkToken(text: string): string {
  const token = text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ClientError("the token is empty or holds characters that no header can carry");
  return token;
}
