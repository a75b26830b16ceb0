import type { Logger } from "pino";
import type { Authentication } from "./access/authentication.ts";
import type { Address } from "./address.ts";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config.ts";
import { systemClock, within } from "./exec/clock.ts";
import type { Descriptors } from "./exec/descriptors.ts";
import type { App, MetricsPort } from "./server/deps.ts";
import { type Listener, type ListenOptions, openListener, type TlsFiles } from "./server/listen.ts";
import { openMetricsListener } from "./server/metrics-listener.ts";
import { readTls, tlsPaths } from "./tls.ts";
import { waitForEnd } from "./wait-for-end.ts";
import { watchFiles } from "./watch-files.ts";

/** How long answers that are under way, and the closing handshakes of sockets, may take at the end, milliseconds. */
const farewellMs = 1000;

/** Everything by which the gateway is reached. */
export interface Listeners {
  /** In the order of the configuration. */
  readonly urls: readonly string[];
  readonly metricsUrl: string | undefined;
  /** Lets answers that are under way come to their end, says farewell to the sockets, and closes all of them. */
  close(hurry: AbortSignal | undefined): Promise<void>;
}

export interface ListenersDeps {
  readonly descriptors: Descriptors;
  /** Told of the authorities of clients, now and when their file changes. */
  readonly authentication: Authentication;
  readonly metrics: MetricsPort;
  readonly log: Logger;
}

/** Opens every address of the configuration, and keeps their certificates up to date. @throws ConfigError for one that cannot be opened */
export async function openListeners(app: App, config: Config, deps: ListenersDeps): Promise<Listeners> {
  const tls = config.listen.some((address) => address.tls) ? await readTls(config) : undefined;
  deps.authentication.trustAuthorities(tls?.clientCa);
  const listeners = await openAll(app, config, tls, deps);
  const unfollow = followTls(listeners, config, deps);
  const metrics = config.metricsListen && (await openMetrics(config.metricsListen, deps.metrics));
  return {
    urls: listeners.map((listener) => listener.url),
    metricsUrl: metrics?.url,
    async close(hurry) {
      unfollow();
      const answered = Promise.all(listeners.map((listener) => listener.stop())).then(() => undefined);
      await waitForEnd(answered, farewellMs, hurry);
      await closeSockets(app);
      await Promise.all([...listeners, metrics].map((listener) => listener?.close()));
    },
  };
}

async function openAll(app: App, config: Config, tls: TlsFiles | undefined, { descriptors, log }: ListenersDeps): Promise<Listener[]> {
  const listeners: Listener[] = [];
  const options = { unixMode: config.unixMode, descriptors, slowClientMs: config.limits.slowClientMs, headMs: config.limits.headMs };
  for (const address of config.listen) {
    const listener = await tryToOpen(app, address, { ...options, tls: address.tls ? tls : undefined }, log);
    if (listener !== undefined) listeners.push(listener);
  }
  return listeners;
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

/** Gives the listeners the files of TLS when they change; files that are no good leave them what they have. */
function followTls(listeners: readonly Listener[], config: Config, { authentication, log }: ListenersDeps): () => void {
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

async function openMetrics(address: Address, metrics: MetricsPort) {
  try {
    return await openMetricsListener(address, metrics);
  } catch (cause) {
    throw new ConfigError(`metrics.listen: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
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
