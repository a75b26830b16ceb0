import type { OutgoingHttpHeaders } from "node:http";
import { Agent, type RequestOptions } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { ExecgateError } from "../../errors.ts";

/** Where the API server is, and as whom it is asked. */
export interface ClusterOptions {
  /** The kubeconfig's path; undefined inside of a pod, whose service account is then used. */
  readonly kubeconfig?: string | undefined;
  /** A context of the kubeconfig; its current one when undefined. */
  readonly context?: string | undefined;
  /** How long the server may take for an answer; of one that goes on, for its head. Default: 10 000 ms */
  readonly answerMs?: number | undefined;
}

/** What one request is sent with: credentials, and how the server is known. */
export interface Access extends Pick<RequestOptions, "auth" | "ca" | "cert" | "key" | "rejectUnauthorized" | "servername" | "agent"> {
  readonly headers: OutgoingHttpHeaders;
}

/** The API server that a kubeconfig names. */
export interface Cluster {
  /** The library's own view of it. */
  readonly config: KubeConfig;
  /** The server's URL, without a slash at its end. */
  readonly server: string;
  /** The namespace of the context, or of the pod that the gateway runs in. */
  readonly namespace: string;
  /** How long an answer may take, milliseconds. */
  readonly answerMs: number;
  /**
   * Credentials as they are now: files are read again, plugins asked again when theirs have expired.
   * @throws RUNTIME_UNAVAILABLE when they cannot be had
   */
  access(): Promise<Access>;
  /** The agent that keeps connections open for plain requests with this access. */
  agentFor(access: Access): NonNullable<RequestOptions["agent"]>;
  close(): void;
}

/**
 * Reads the kubeconfig, or the service account of the pod that the gateway runs in.
 * @throws RUNTIME_UNAVAILABLE when there is none, or it names no server
 */
export function openCluster(options: ClusterOptions): Cluster {
  const config = new KubeConfig();
  try {
    if (options.kubeconfig === undefined) config.loadFromCluster();
    else config.loadFromFile(expandHome(options.kubeconfig));
  } catch (cause) {
    throw unavailable(`The kubeconfig ${options.kubeconfig} cannot be read: ${wordsOf(cause)}.`, cause);
  }
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const server = config.getCurrentCluster()?.server.replace(/\/+$/, "");
  if (server === undefined)
    throw unavailable(`The kubeconfig has no context ${JSON.stringify(config.getCurrentContext())} with a cluster.`);
  if (!URL.canParse(server) || server.includes("//undefined")) {
    throw unavailable("There is no service account of a pod here; name a kubeconfig in the configuration.");
  }
  return new KubeconfigCluster(config, server, options.answerMs ?? 10_000);
}

class KubeconfigCluster implements Cluster {
  readonly config: KubeConfig;
  readonly server: string;
  readonly namespace: string;
  readonly answerMs: number;
  #agent: { readonly of: string; readonly agent: Agent } | undefined;

  constructor(config: KubeConfig, server: string, answerMs: number) {
    this.config = config;
    this.server = server;
    this.answerMs = answerMs;
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim() || "default";
  }

  async access(): Promise<Access> {
    const options: Access = { headers: {} };
    try {
      await this.config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw unavailable(`The credentials of the kubeconfig cannot be had: ${wordsOf(cause)}.`, cause);
    }
    // The library's agent is needed to go through a proxy; else its connections are new ones each time.
    if (this.config.getCurrentCluster()?.proxyUrl === undefined && this.server.startsWith("https:")) delete options.agent;
    return options;
  }

  agentFor(access: Access): NonNullable<RequestOptions["agent"]> {
    if (access.agent) return access.agent;
    const { ca, cert, key, rejectUnauthorized, servername } = access;
    const of = JSON.stringify([ca, cert, key, rejectUnauthorized, servername].map(String));
    if (this.#agent?.of === of) return this.#agent.agent;
    this.close();
    const agent = new Agent({ ...definedOf({ ca, cert, key, rejectUnauthorized, servername }), keepAlive: true, timeout: idleMs });
    this.#agent = { of, agent };
    return agent;
  }

  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }
}

/** How long a connection waits for another request. */
const idleMs = 30_000;

function definedOf<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.trim() : String(cause);
}

function unavailable(message: string, cause?: unknown): ExecgateError {
  return new ExecgateError("RUNTIME_UNAVAILABLE", message, {}, { cause });
}
