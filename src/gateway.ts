import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import type { Audit } from "./access/audit/audit.ts";
import { Authentication, type AuthSettings } from "./access/authentication.ts";
import { Authorizer, type OnDenied } from "./access/authorizer.ts";
import { Grants } from "./access/grants.ts";
import { Shares } from "./access/shares.ts";
import { Tickets } from "./access/tickets.ts";
import { watchRights } from "./access/watch-rights.ts";
import type { Address } from "./address.ts";
import { openAudit } from "./audit.ts";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config.ts";
import { ExecgateError } from "./errors.ts";
import { systemClock, within } from "./exec/clock.ts";
import { Descriptors } from "./exec/descriptors.ts";
import { combineObservers } from "./exec/observer.ts";
import type { Runtime } from "./exec/runtime.ts";
import { Sessions } from "./exec/sessions.ts";
import { createExecLog } from "./exec-log.ts";
import { countFreeDescriptors } from "./free-descriptors.ts";
import { createMetrics } from "./metrics.ts";
import { Probes } from "./probes/probes.ts";
import { openRecordings } from "./recording.ts";
import { createRuntimes } from "./runtimes/index.ts";
import { buildApp } from "./server/app.ts";
import type { App, MetricsPort } from "./server/deps.ts";
import { createReadFront } from "./server/front.ts";
import { type Listener, type ListenOptions, openListener } from "./server/listen.ts";
import { openMetricsListener } from "./server/metrics-listener.ts";
import { createOriginRules } from "./server/origin.ts";
import type { TicketPurpose } from "./server/ticket-purpose.ts";
import { ownerToken } from "./state.ts";
import { readTls, tlsPaths } from "./tls.ts";
import { packageDir, readVersion } from "./version.ts";
import { watchFiles } from "./watch-files.ts";

/** A gateway that runs. */
export interface Gateway {
  readonly app: App;
  /** Where it is reached, in the order of the configuration. */
  readonly urls: readonly string[];
  readonly metricsUrl: string | undefined;
  /** The owner's token; undefined when there is no owner. */
  readonly token: string | undefined;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly audit: Audit;
  /** Lives by this identity, policy and probes from here on, and ends what they do not allow. Returns how much it ended. */
  reload(config: Pick<Config, "auth" | "policy" | "token" | "probes">): number;
  /**
   * Starts nothing more, waits up to `shutdownMs` for what runs, ends the rest, and closes everything.
   * @param hurry ends the rest at once when it aborts
   */
  shutdown(hurry?: AbortSignal): Promise<void>;
}

/** How long a client whose session was ended may take for the closing handshake, milliseconds. */
const farewellMs = 1000;

/** Without an `auth` section the owner is the only one. */
const noAuth: AuthSettings = { tokens: [], jwt: [] };

/** Wires everything together: the only place that knows all the parts. @throws ConfigError for what the machine refuses */
export async function startGateway(config: Config, log: Logger): Promise<Gateway> {
  const version = readVersion();
  const runtimes = await createRuntimes(config.runtimes, config.limits).catch(refuseHost);
  const metrics = createMetrics(runtimes, version);
  const observer = combineObservers([metrics.observer, createExecLog(log)]);
  const descriptors = new Descriptors(countFreeDescriptors(), config.limits.descriptorsReserved);
  const sessions = new Sessions({ runtimes, clock: systemClock, observer, limits: config.limits, descriptors });
  const token = await findToken(config, log);
  const passes = createPasses(config);
  const audit = await openAudit(config, { log, written: metrics.audited, endAll: () => sessions.stopAll("policy") });
  const recordings = await openRecordings(config, audit, log);
  const probes = new Probes(config.probes, { runtimes, sessions, audit, clock: systemClock, observer: metrics.probes });
  const { authentication, grants, authorizer, reload } = createRights(config, token, probes, audit, log);
  const app = await buildApp({
    sessions,
    runtimes,
    authentication,
    ...passes,
    readFront: createReadFront(config.behindProxy?.trusted),
    authorizer,
    grants,
    audit,
    recordings,
    probes,
    clock: systemClock,
    limits: config.limits,
    origins: originRules(config),
    metrics,
    log,
    version,
    frameAncestors: config.frameAncestors,
    publicDir: fileURLToPath(new URL("public/", packageDir)),
  });
  await app.ready();
  const tls = config.listen.some((address) => address.tls) ? await readTls(config) : undefined;
  authentication.trustAuthorities(tls?.clientCa);
  const listeners = await openListeners(app, config, { tls, descriptors }, log);
  const unwatchRights = watchRights(grants, authentication, authorizer, systemClock);
  const unfollowTls = followTls(listeners, authentication, config, log);
  const metricsListener = config.metricsListen && (await openMetrics(config.metricsListen, metrics));
  // What goes on by itself begins when nothing can stop the start any more.
  recordings.start();
  probes.start();
  audit.record({ event: "server.start", version, listen: listeners.map((listener) => listener.url) });
  return {
    app,
    token,
    runtimes,
    audit,
    reload,
    urls: listeners.map((listener) => listener.url),
    metricsUrl: metricsListener?.url,
    async shutdown(hurry) {
      unfollowTls();
      unwatchRights();
      probes.stop();
      await endSessions(sessions, config.limits.shutdownMs, hurry);
      await closeListeners(app, listeners, metricsListener, hurry);
      await app.close();
      sessions.close();
      for (const kind of [passes.tickets, passes.shares]) kind.close();
      await recordings.close();
      await audit.close();
      await Promise.all([...runtimes.values()].map((runtime) => runtime.close()));
    },
  };
}

/** What somebody who was let in gives to others, or to a WebSocket of their own. */
function createPasses({ limits }: Config) {
  return { tickets: new Tickets<TicketPurpose>(systemClock, limits), shares: new Shares(systemClock, limits) };
}

/** Who somebody is, what they may do, and what goes on by that. */
function createRights(config: Config, token: string | undefined, probes: Probes, audit: Audit, log: Logger) {
  const { auth, policy } = config;
  warnOfNobody(config, token, log);
  const authentication = new Authentication(auth ?? noAuth, token, systemClock, log);
  const grants = new Grants();
  const authorizer = new Authorizer({ clock: systemClock, grants, policy, onDenied: tellDenials(log, audit) });
  const reload: Gateway["reload"] = (next) => {
    probes.replace(next.probes);
    // An `auth` section that was not there before takes the place of the token that was made at the start.
    authentication.configure(next.auth ?? noAuth, next.auth === undefined ? token : next.token);
    return grants.renew((principal) => authentication.current(principal)) + authorizer.replacePolicy(next.policy);
  };
  return { authentication, grants, authorizer, reload };
}

function originRules({ listen, publicUrls, allowedOrigins }: Config) {
  const hosts = listen.flatMap((address) => (address.kind === "tcp" ? [address.host] : []));
  return createOriginRules(publicUrls, hosts, allowedOrigins);
}

function tellDenials(log: Logger, audit: Audit): OnDenied {
  return (caller, verb, request, decision) => {
    log.info({ principal: caller.principal.subject, verb, target: request.target.id, rule: decision.rule }, "refused by policy");
    audit.denied(caller, verb, request, decision);
  };
}

function refuseHost(cause: unknown): never {
  if (!(cause instanceof ExecgateError)) throw cause;
  const { field = "user" } = cause.details;
  throw new ConfigError(`${field === "user" ? "runtimes.host.user" : field}: ${cause.message}`);
}

function warnOfNobody({ auth, tls }: Config, token: string | undefined, log: Logger): void {
  const isSomebody = token !== undefined || auth?.tokens.length !== 0 || auth.jwt.length > 0 || tls?.clientCaFile !== undefined;
  if (!isSomebody) log.warn("auth names no credential, so that nobody can get in");
}

async function findToken(config: Config, log: Logger): Promise<string | undefined> {
  if (config.token !== undefined || config.auth !== undefined) return config.token;
  const { token, file } = await ownerToken(config.stateDir).catch((cause: Error) => {
    throw new ConfigError(`the state directory ${config.stateDir}: ${cause.message}`);
  });
  if (token === "") throw new ConfigError(`${file}: there is no token in it; remove it, and one is made`);
  log.info({ tokenFile: file }, "the owner's token is in this file");
  return token;
}

async function openMetrics(address: Address, metrics: MetricsPort) {
  try {
    return await openMetricsListener(address, metrics);
  } catch (cause) {
    throw new ConfigError(`metrics.listen: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

async function openListeners(
  app: App,
  config: Config,
  { tls, descriptors }: Pick<ListenOptions, "tls" | "descriptors">,
  log: Logger,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  const options = { unixMode: config.unixMode, descriptors, slowClientMs: config.limits.slowClientMs, headMs: config.limits.headMs };
  for (const address of config.listen) {
    const listener = await tryToOpen(app, address, { ...options, tls: address.tls ? tls : undefined }, log);
    if (listener !== undefined) listeners.push(listener);
  }
  return listeners;
}

/** Gives the listeners the files of TLS when they change; files that are no good leave them what they have. */
function followTls(listeners: readonly Listener[], authentication: Authentication, config: Config, log: Logger): () => void {
  const paths = tlsPaths(config);
  if (paths.length === 0) return () => undefined;
  const renew = async (): Promise<void> => {
    try {
      const files = await readTls(config);
      for (const listener of listeners) listener.renewTls(files);
      authentication.trustAuthorities(files.clientCa);
      log.info({ files: paths }, "the certificate was read again");
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      log.error({ files: paths, reason }, "the certificate could not be read again; the one from before goes on");
    }
  };
  return watchFiles(paths, systemClock, () => void renew());
}

/** The listener, or nothing when it may be left out and its address is taken. */
async function tryToOpen(app: App, address: Address, options: ListenOptions, log: Logger): Promise<Listener | undefined> {
  try {
    return await openListener(app, address, options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (address.kind === "unix" || address.isOptional !== true) throw new ConfigError(`listen: ${address.text}: ${reason}`);
    log.warn({ address: address.text, reason }, "this listener is left out");
    return undefined;
  }
}

/** Lets what runs end by itself for a while, and then ends the rest. */
async function endSessions(sessions: Sessions, ms: number, hurry: AbortSignal | undefined): Promise<void> {
  const empty = sessions.drain();
  await waitForEnd(empty, ms, hurry);
  sessions.stopAll();
  await empty;
}

/** Lets answers that are under way come to their end, says farewell to the sockets, and closes all of them. */
async function closeListeners(
  app: App,
  listeners: readonly Listener[],
  metrics: { close(): Promise<void> } | undefined,
  hurry: AbortSignal | undefined,
): Promise<void> {
  const answered = Promise.all(listeners.map((listener) => listener.stop())).then(() => undefined);
  await waitForEnd(answered, farewellMs, hurry);
  await closeSockets(app);
  await Promise.all([...listeners, metrics].map((listener) => listener?.close()));
}

/** Resolves when everything has ended, when the time is over, or when somebody is in a hurry. */
async function waitForEnd(end: Promise<void>, ms: number, hurry: AbortSignal | undefined): Promise<void> {
  const hurried = new Promise<void>((resolve) => {
    if (hurry?.aborted) resolve();
    hurry?.addEventListener("abort", () => resolve(), { once: true });
  });
  await within(systemClock, ms, Promise.race([end, hurried]));
}

/** Tells the clients that are still there, and gives them a moment for the closing handshake. */
async function closeSockets(app: App): Promise<void> {
  const closed = [...app.websocketServer.clients].map((socket) => {
    socket.close(1001, "shutting down");
    return new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
    });
  });
  await within(systemClock, farewellMs, Promise.all(closed));
}
