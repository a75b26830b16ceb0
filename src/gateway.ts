import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import type { Audit } from "./access/audit/audit.ts";
import { Shares } from "./access/shares.ts";
import { Tickets } from "./access/tickets.ts";
import { openAudit } from "./audit.ts";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config.ts";
import { ExecgateError } from "./errors.ts";
import { systemClock } from "./exec/clock.ts";
import { Descriptors } from "./exec/descriptors.ts";
import { combineObservers } from "./exec/observer.ts";
import type { Runtime } from "./exec/runtime.ts";
import { Sessions } from "./exec/sessions.ts";
import { createExecLog } from "./exec-log.ts";
import { countFreeDescriptors } from "./free-descriptors.ts";
import { openListeners } from "./listeners.ts";
import { createMetrics } from "./metrics.ts";
import { Probes } from "./probes/probes.ts";
import { openRecordings } from "./recording.ts";
import { createRights } from "./rights.ts";
import { createRuntimes } from "./runtimes/index.ts";
import { buildApp } from "./server/app.ts";
import type { App } from "./server/deps.ts";
import { createReadFront } from "./server/front.ts";
import { createOriginRules } from "./server/origin.ts";
import type { TicketPurpose } from "./server/ticket-purpose.ts";
import { openTracing } from "./tracing.ts";
import { packageDir, readVersion } from "./version.ts";
import { waitForEnd } from "./wait-for-end.ts";

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

/** Wires everything together: the only place that knows all the parts. @throws ConfigError for what the machine refuses */
export async function startGateway(config: Config, log: Logger): Promise<Gateway> {
  const version = readVersion();
  const runtimes = await createRuntimes(config.runtimes, config.limits).catch(refuseHost);
  const metrics = createMetrics(runtimes, version);
  const tracing = await openTracing(config.tracing, version, log);
  const observer = combineObservers([metrics.observer, createExecLog(log), tracing.observer]);
  const descriptors = new Descriptors(countFreeDescriptors(), config.limits.descriptorsReserved);
  const sessions = new Sessions({ runtimes: tracing.handOn(runtimes), clock: systemClock, observer, limits: config.limits, descriptors });
  const audit = await openAudit(config, { log, written: metrics.audited, endAll: () => sessions.stopAll("policy") });
  const rights = await createRights(config, audit, log);
  const passes = createPasses(config);
  const recordings = await openRecordings(config, audit, log);
  const probes = new Probes(config.probes, { runtimes, sessions, audit, clock: systemClock, observer: metrics.probes });
  const app = await buildApp({
    sessions,
    runtimes,
    ...rights,
    ...passes,
    readFront: createReadFront(config.behindProxy?.trusted),
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
  const listeners = await openListeners(app, config, { descriptors, authentication: rights.authentication, metrics, log });
  const { urls, metricsUrl } = listeners;
  // What goes on by itself begins when nothing can stop the start any more.
  const unwatchRights = rights.watch();
  recordings.start();
  probes.start();
  audit.record({ event: "server.start", version, listen: urls });
  return {
    app,
    token: rights.token,
    runtimes,
    audit,
    urls,
    metricsUrl,
    reload(next) {
      probes.replace(next.probes);
      return rights.reload(next);
    },
    async shutdown(hurry) {
      unwatchRights();
      probes.stop();
      await endSessions(sessions, config.limits.shutdownMs, hurry);
      await listeners.close(hurry);
      await app.close();
      sessions.close();
      for (const kind of [passes.tickets, passes.shares]) kind.close();
      await recordings.close();
      await Promise.all([audit.close(), tracing.close()]);
      await Promise.all([...runtimes.values()].map((runtime) => runtime.close()));
    },
  };
}

/** What somebody who was let in gives to others, or to a WebSocket of their own. */
function createPasses({ limits }: Config) {
  return { tickets: new Tickets<TicketPurpose>(systemClock, limits), shares: new Shares(systemClock, limits) };
}

function originRules({ listen, publicUrls, allowedOrigins }: Config) {
  const hosts = listen.flatMap((address) => (address.kind === "tcp" ? [address.host] : []));
  return createOriginRules(publicUrls, hosts, allowedOrigins);
}

function refuseHost(cause: unknown): never {
  if (!(cause instanceof ExecgateError)) throw cause;
  const { field = "user" } = cause.details;
  throw new ConfigError(`${field === "user" ? "runtimes.host.user" : field}: ${cause.message}`);
}

/** Lets what runs end by itself for a while, and then ends the rest: in a hurry without a grace. */
async function endSessions(sessions: Sessions, ms: number, hurry: AbortSignal | undefined): Promise<void> {
  const empty = sessions.drain();
  await waitForEnd(empty, ms, hurry);
  sessions.stopAll("shutdown", hurry?.aborted);
  hurry?.addEventListener("abort", () => sessions.stopAll("shutdown", true));
  await empty;
}
