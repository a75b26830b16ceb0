import { once } from "node:events";
import { userInfo } from "node:os";
import type { Logger } from "pino";
import { ConfigError } from "./config/config-error.ts";
import { type Config, type ConfigSources, loadConfig, reloadConfig } from "./config.ts";
import { systemClock } from "./exec/clock.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { createLog } from "./log.ts";
import { createReload } from "./reload.ts";
import { watchFiles } from "./watch-files.ts";

/** The exit status of a start that the configuration forbids (EX_CONFIG of sysexits.h). */
const configStatus = 78;

/** `execgate serve`: runs until SIGTERM or SIGINT; a second one ends at once what still runs. */
export async function serve(argv: readonly string[]): Promise<void> {
  const log = createLog();
  const asked = new AbortController();
  const hurry = new AbortController();
  const onSignal = (): void => (asked.signal.aborted ? hurry : asked).abort();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, onSignal);
  // A terminal that is closed while the gateway starts must not end it.
  process.on("SIGHUP", () => log.info("SIGHUP"));
  const sources = { argv, env: process.env };
  const { config, gateway } = await start(sources, log);
  const { audit } = gateway;
  const reload = createReload({ config, load: () => reloadConfig(config, sources), apply: gateway.reload, audit, log });
  process.on("SIGHUP", reload.run);
  const unwatch = config.file && watchFiles([config.file.path], systemClock, reload.run, reload.sha256);
  if (!asked.signal.aborted) await once(asked.signal, "abort");
  unwatch?.();
  log.info("draining");
  await gateway.shutdown(hurry.signal);
  log.info("stopped");
  process.exit(0);
}

async function start(sources: ConfigSources, log: Logger): Promise<{ config: Config; gateway: Gateway }> {
  try {
    const config = loadConfig(sources);
    const gateway = await startGateway(config, log);
    const isolation = Object.fromEntries([...gateway.runtimes.values()].map((runtime) => [runtime.name, runtime.isolation]));
    log.info({ urls: gateway.urls, metricsUrl: gateway.metricsUrl, isolation }, "execgate is ready");
    if (["own", userInfo().username].includes(isolation.host?.user ?? "")) {
      log.warn("commands on the host run as the gateway's own user: policy there cannot be more than advice");
    }
    if (process.stdout.isTTY) process.stdout.write(banner(gateway));
    return { config, gateway };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    process.stderr.write(`execgate: ${cause.message}\n`);
    process.exit(configStatus);
  }
}

/** What a person who starts the gateway by hand wants to know. */
function banner({ urls, token, runtimes }: Gateway): string {
  const host = runtimes.get("host")?.isolation ?? {};
  const facts = Object.entries(host).map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
  const fragment = token === undefined ? "" : `#token=${token}`;
  return ["", `  execgate     ${urls[0]}/${fragment}`, ...urls.slice(1).map((url) => `               ${url}`), ...facts, "", ""].join("\n");
}
